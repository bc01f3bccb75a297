import PBT
import PBTSQLite
import PBTWorker
print("x")

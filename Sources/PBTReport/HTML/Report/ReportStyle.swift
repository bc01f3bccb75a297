// SPDX-License-Identifier: Apache-2.0

/// The style sheet of a report.
enum ReportStyle {
    /// The sheet; it contains no text from outside.
    static let sheet =
        ":root{color-scheme:light dark;--page:#f4f5f7;--line:#dfe2e6;--bad:#b3261e;\(Chart.cssVariables(.light))}"
        + "@media(prefers-color-scheme:dark){"
        + ":root{--page:#0e1013;--line:#2b3037;--bad:#ff8a80;\(Chart.cssVariables(.dark))}}" + rules

    private static let rules = """
        *{box-sizing:border-box}
        html{color:var(--ink);background:var(--page);font:15px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
        body{margin:0}
        header,main{max-width:1400px;margin:0 auto;padding:1rem}
        main{padding-top:0}
        h1{font-size:1.5rem;margin:0 0 .3rem;overflow-wrap:anywhere;line-height:1.3}
        h2{font-size:1.25rem;margin:1.6rem 0 .5rem;overflow-wrap:anywhere}
        h3{font-size:1rem;margin:0 0 .3rem}
        p{margin:.3rem 0;overflow-wrap:anywhere}
        a{color:inherit;text-underline-offset:.15em}
        nav{display:flex;flex-wrap:wrap;gap:.1rem 1rem;color:var(--muted)}
        nav a{max-width:100%;overflow-wrap:anywhere}
        code{font:.9em/1.4 ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
        .note{color:var(--muted);font-size:.93rem}
        .bad{color:var(--bad)}
        .grid{display:grid;gap:.8rem;grid-template-columns:minmax(0,1fr);align-items:start}
        @media(min-width:1384px){.grid{grid-template-columns:repeat(2,minmax(0,1fr))}}
        .card,.tile,#comparison{background:var(--surface);border:1px solid var(--line);border-radius:7px}
        .card,#comparison{padding:.7rem .8rem;margin:0 0 .8rem;min-width:0}
        #comparison h2{margin-top:0}
        .grid .card{margin:0}
        .tiles{display:grid;gap:.6rem;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));margin:.6rem 0 .8rem}
        .tile{padding:.45rem .75rem;min-width:0}
        .tile dt{color:var(--muted);font-size:.9rem;overflow-wrap:anywhere}
        .tile dd{margin:0;font-size:1.35rem;font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
        .tile.best dd,.best{color:var(--best)}
        .picture{max-width:640px;margin:0 auto}
        .picture svg{display:block;width:100%;height:auto;font:11px "DejaVu Sans",Verdana,sans-serif}
        .narrow{display:none;max-width:360px}
        .scroll{overflow-x:auto;max-width:100%;max-height:32rem;overflow-y:auto}
        details{margin:.5rem 0 0}
        summary{cursor:pointer;color:var(--muted)}
        table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.93rem}
        caption{text-align:left;color:var(--muted);padding:.2rem 0;overflow-wrap:anywhere}
        th,td{padding:.22rem .6rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top;max-width:34rem;
        overflow-wrap:break-word}
        thead th{color:var(--muted);font-weight:600}
        .number{text-align:right;white-space:nowrap}
        :focus-visible{outline:3px solid var(--best);outline-offset:2px}
        @media(max-width:720px){
        header,main{padding:.6rem}
        main{padding-top:0}
        .wide{display:none}
        .narrow{display:block}
        .tiles{grid-template-columns:repeat(2,minmax(0,1fr))}
        .tile dd{font-size:1.15rem}
        .card,#comparison{padding:.5rem .45rem}
        }
        @media print{
        .card,.tile{break-inside:avoid}
        .scroll{overflow:visible;max-height:none}
        nav{display:none}
        }
        """
}

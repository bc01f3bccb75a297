// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT
import PBTAPI
import PBTHTTP

extension Endpoints {
    static let operations: [Endpoint] = [
        Endpoint(
            method: .get, path: "/healthz", scope: nil, summary: "Health of the server",
            answers: [
                json("Healthy", Schemas.object(["status": Schemas.choice(["ok"])], required: ["status"]))
            ]
        ) { call in
            _ = try await call.context.store.lastEvent()
            return .json(["status": "ok"])
        },
        Endpoint(
            method: .get, path: "/openapi.json", scope: nil, summary: "This document",
            answers: [json("The document", Schemas.values)]
        ) { call in
            call.reply(
                OpenAPI.document(
                    of: Endpoints.all, version: call.context.configuration.version,
                    needsToken: call.context.http.access.needsToken))
        },
        Endpoint(
            method: .get, path: "/metrics", scope: .read, summary: "Metrics for Prometheus",
            answers: [
                Endpoint.Answer(status: 200, type: "text/plain", schema: Schemas.text, text: "Prometheus' text format")
            ]
        ) { call in
            let records = try await call.context.store.experiments()
            let text = call.context.metrics(of: records)
            return .bytes(Array(text.utf8), type: "text/plain; version=0.0.4; charset=utf-8")
        },
    ]
}

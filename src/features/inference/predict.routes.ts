import { createRoute, errors, json, jsonBody, signedIn, z } from "#http/contract";
import { createRouter } from "#http/router";
import { EndpointName } from "./endpoints.schema.ts";
import { PredictBody, Prediction } from "./predict.schema.ts";
import { predict } from "./predict.service.ts";

export const predictRoutes = createRouter();

const NameParam = z.object({ name: EndpointName });

predictRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/inference/predict/{name}",
    tags: ["Inference"],
    security: signedIn,
    summary: "Run a model",
    request: { params: NameParam, body: jsonBody(PredictBody) },
    responses: {
      200: json(Prediction, "What the model answers"),
      ...errors(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
    },
  }),
  async (c) => c.json(await predict(c.get("ctx"), c.req.valid("param").name, c.req.valid("json")), 200),
);

/** Element types a tensor may have on its way in or out of a model. */
export type TensorType =
  | "float32"
  | "float64"
  | "int32"
  | "int64"
  | "bool"
  | "string"
  | "float16"
  | "uint8"
  | "int8";

/** A dense tensor in row-major order. int64 travels as BigInt64Array, bool as Uint8Array, string as string[]. */
export interface Tensor {
  type: TensorType;
  shape: number[];
  data:
    | Float32Array
    | Float64Array
    | Int32Array
    | BigInt64Array
    | Uint8Array
    | Uint16Array
    | Int8Array
    | string[];
}

/** One input or output of a model; a symbolic dimension is its name, an unknown one `null`. */
export interface TensorInfo {
  name: string;
  type: TensorType;
  shape: (number | string | null)[];
}

/** One column the model's author named, in the order of a row. */
export interface FeatureInfo {
  name: string;
  kind: "numeric" | "categorical";
  categories?: string[];
}

/** What a loaded model says of itself. */
export interface ModelSignature {
  inputs: TensorInfo[];
  outputs: TensorInfo[];
  task: "classification" | "regression" | null;
  labels: string[] | null;
  features: FeatureInfo[] | null;
  /** Operators with learned weights. */
  layerCount: number;
}

/** Which stored file a pool serves. */
export interface ModelFile {
  versionId: string;
  blobKey: string;
  sizeBytes: number;
}

export interface PoolLimits {
  /** Calls of one endpoint that may be in flight at once. */
  maxConcurrent: number;
  /** Rows of this endpoint's calls that may share one run with others; 1 keeps every call to itself. */
  maxBatchRows: number;
  /** How long a call may wait for the model and run; a run under way cannot be cut short. */
  timeoutMs: number;
}

export type LoadReply = { ok: true; signature: ModelSignature } | { ok: false; reason: string };

export type PredictRefusal = "not_running" | "busy" | "invalid_input" | "not_loadable" | "timeout" | "failed";
export type PredictReply =
  | { ok: true; outputs: Record<string, Tensor>; computeMs: number }
  | { ok: false; reason: PredictRefusal; message: string };

/** Live figures of one endpoint since its last start; latencies in milliseconds, `null` when nothing was measured. */
export interface EndpointFigures {
  requestsSuccess: number;
  /** Calls with invalid input, and calls that failed or ran out of time. */
  requestsError: number;
  /** Calls turned away because the endpoint was full; in neither of the other counts. */
  requestsRefused: number;
  errorRate: number | null;
  rps: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  mean: number | null;
  uptimeSeconds: number;
  /** Cumulative counts; the last bucket's bound is `Infinity`. */
  histogram: { le: number; count: number }[];
  sumMs: number;
  inFlight: number;
}

/** A pool as a whole; the counts add up those of its endpoints since their last start. */
export interface PoolStatus {
  loaded: boolean;
  sizeBytes: number | null;
  inFlight: number;
  idleSeconds: number;
  requestsSuccess: number;
  requestsError: number;
  /** Calls that ran, and how long they took together. */
  measured: number;
  sumMs: number;
}

/** What one endpoint did in one minute (its start, epoch milliseconds); latencies of the calls that ran. */
export interface MinuteFigures {
  endpointId: string;
  minute: number;
  requestsSuccess: number;
  requestsError: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

/** The pool of one model version: its session, its queue and the figures of the endpoints that use it. */
export interface ModelPoolHandle {
  /** Loads the model if need be and lets `endpointId` call it. */
  start(endpointId: string, file: ModelFile, limits: PoolLimits): Promise<LoadReply>;
  /** Applies to a started endpoint at once; tells whether it is started. */
  setLimits(endpointId: string, limits: PoolLimits): Promise<boolean>;
  /** Refuses new calls at once and returns when those under way are through (or after some seconds). */
  stop(endpointId: string): Promise<void>;
  /** Input tensors by name; loads again by itself after idling or a restart. */
  predict(endpointId: string, inputs: Record<string, Tensor>): Promise<PredictReply>;
  /** Counts a call that was refused before it got here. */
  countInvalid(endpointId: string): Promise<void>;
  signature(): Promise<ModelSignature | null>;
  figures(endpointId: string): Promise<EndpointFigures | null>;
  status(): Promise<PoolStatus>;
}

export interface ModelPools {
  of(versionId: string): ModelPoolHandle;
}

export type RunReply =
  | { ok: true; outputs: Record<string, Tensor> }
  | { ok: false; reason: "not_loaded" | "failed"; message: string };

/** Runs models in this isolate. Sessions are shared by all pools, and any of them may be pushed out at any time. */
export interface ModelRuntime {
  isLoaded(versionId: string): boolean;
  /** Keeps a session of the model under `versionId`, pushing out others when memory asks for it. */
  load(versionId: string, model: Uint8Array): Promise<LoadReply>;
  run(versionId: string, inputs: Record<string, Tensor>): Promise<RunReply>;
  release(versionId: string): Promise<void>;
}

/**
 * The keys of an exported model's `metadata_props`; every value is a string.
 * - task: "classification" or "regression"
 * - target: the column that is predicted
 * - labels: JSON array of class names; output `label` is an index into it (classification only)
 * - features: JSON array of FeatureDescription in CSV column order, without the target
 */
export const METADATA_KEYS = {
  task: "myelin.task",
  target: "myelin.target",
  labels: "myelin.labels",
  features: "myelin.features",
} as const;

/** Numeric features are the columns of input `features`, in this order; a categorical one is an input of its own. */
export interface FeatureDescription {
  name: string;
  kind: "numeric" | "categorical";
  categories?: string[];
}

export const PRODUCER_NAME = "myelin-trainer";

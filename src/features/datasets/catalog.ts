import breastCancer from "./catalog/breast-cancer.csv";
import digits from "./catalog/digits.csv";
import iris from "./catalog/iris.csv";
import penguins from "./catalog/penguins.csv";
import wineQuality from "./catalog/wine-quality.csv";
import { BUILTIN_DATASETS, type BuiltinDataset } from "./catalog/catalog.data.ts";

const FILES: Record<string, string> = {
  "breast-cancer.csv": breastCancer,
  "digits.csv": digits,
  "iris.csv": iris,
  "penguins.csv": penguins,
  "wine-quality.csv": wineQuality,
};

const sizeOf = (text: string): number => new TextEncoder().encode(text).length;

/** A catalogue entry with its data, which is absent for the sets that are known but do not ship. */
export interface CatalogEntry {
  facts: BuiltinDataset;
  text?: string;
  sizeBytes: number | null;
}

export const CATALOG: CatalogEntry[] = BUILTIN_DATASETS.map((facts: BuiltinDataset) => {
  const text = facts.file === null ? undefined : FILES[facts.file];
  return { facts, ...(text !== undefined && { text }), sizeBytes: text === undefined ? null : sizeOf(text) };
});

export const findEntry = (id: string): CatalogEntry | undefined =>
  CATALOG.find(({ facts }) => facts.id === id);

/** Entries whose id, name or description contains the words, case ignored. */
export function searchCatalog(query: string, limit: number): CatalogEntry[] {
  const wanted = query.toLowerCase();
  const has = (text: string) => text.toLowerCase().includes(wanted);
  return CATALOG.filter(({ facts }) => has(facts.id) || has(facts.name) || has(facts.description)).slice(
    0,
    limit,
  );
}

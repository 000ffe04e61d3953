const MIB = 1024 * 1024;
// R2 and S3 alike: 5 MiB at least, all equal but the last, and so many of them at most.
const PART_BYTES = 8 * MIB;
const MAX_PARTS = 10_000;

export interface PlannedPart {
  number: number;
  size: number;
}

/** How large the parts of a file are, so that either store takes them. */
export const partSizeOf = (fileSize: number): number =>
  Math.max(PART_BYTES, Math.ceil(fileSize / MAX_PARTS / MIB) * MIB);

interface Cut {
  fileSize: number;
  partSize: number;
}

export const partCountOf = ({ fileSize, partSize }: Cut): number => Math.ceil(fileSize / partSize);

/** The part of that number, counting from 1; `undefined` where the file has none. */
export function plannedPart(cut: Cut, number: number): PlannedPart | undefined {
  const count = partCountOf(cut);
  if (number < 1 || number > count) return undefined;
  const size = number < count ? cut.partSize : cut.fileSize - (count - 1) * cut.partSize;
  return { number, size };
}

export const plannedParts = (cut: Cut): PlannedPart[] =>
  Array.from({ length: partCountOf(cut) }, (_, i) => plannedPart(cut, i + 1)!);

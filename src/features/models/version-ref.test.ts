import { expect, it } from "vitest";
import { parseVersionRef } from "./version-ref.ts";

it("takes a number, an id and an alias", () => {
  expect(parseVersionRef("12")).toEqual({ number: 12 });
  expect(parseVersionRef("2147483647")).toEqual({ number: 2_147_483_647 });
  expect(parseVersionRef("6F1C0E9A-1B2C-4D3E-8F90-A1B2C3D4E5F6")).toEqual({
    id: "6f1c0e9a-1b2c-4d3e-8f90-a1b2c3d4e5f6",
  });
  expect(parseVersionRef("@champion")).toEqual({ alias: "champion" });
});

it.each(["", "0", "-1", "01", "1.0", "0x1", "1e3", "2147483648", "champion", "@", "@1", "@Champion", "@a b"])(
  "takes %j for no version",
  (text) => {
    expect(parseVersionRef(text)).toBeUndefined();
  },
);

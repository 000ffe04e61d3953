import { parse } from "acorn";

interface Node {
  type: string;
  start: number;
  end: number;
  kind?: string;
  id?: Node & { name?: string };
  body?: Node[];
  declarations?: (Node & { init?: Node | null })[];
}

const replaceAt = (source: string, edits: { start: number; end: number; text: string }[]): string =>
  edits
    .sort((a, b) => b.start - a.start)
    .reduce((text, { start, end, text: by }) => text.slice(0, start) + by + text.slice(end), source);

function editOf(node: Node) {
  // `using` and `await using` have ends of their own and stay.
  if (node.type === "VariableDeclaration" && (node.kind === "let" || node.kind === "const"))
    return [
      { start: node.start, end: node.start + node.kind.length, text: node.kind === "let" ? "var" : "var  " },
    ];
  if (node.type === "ClassDeclaration" && node.id?.name !== undefined)
    return [
      { start: node.start, end: node.start, text: `var ${node.id.name} = ` },
      { start: node.end, end: node.end, text: ";" },
    ];
  return [];
}

/**
 * A cell's source such that it can run a second time: what `let`, `const` and `class` declare at the top becomes a
 * property of the global object, as in the console of a browser. Lines stay where they were. What cannot be parsed is
 * left as it is, for the interpreter to say what is wrong.
 */
export function repeatable(source: string): string {
  let body: Node[];
  try {
    const options = { ecmaVersion: "latest", allowAwaitOutsideFunction: true } as const;
    body = (parse(source, options) as unknown as Node).body ?? [];
  } catch (error) {
    // A source nested beyond the parser's stack is the interpreter's to refuse, too.
    if (error instanceof SyntaxError || error instanceof RangeError) return source;
    throw error;
  }
  return replaceAt(source, body.flatMap(editOf));
}

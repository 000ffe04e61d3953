import type { Ctx } from "../../kernel/ctx.ts";

/** What a mail says: plain paragraphs and at most one link. Every text may come from a stranger. */
export interface Letter {
  subject: string;
  paragraphs: string[];
  action?: { label: string; url: string };
}

/** The address of a letter's link. Tokens are URL-safe as they are. */
export const linkWith = ({ settings }: Pick<Ctx, "settings">, path: `/${string}`, token: string): string =>
  `${settings.publicUrl}${path}?token=${token}`;

export interface ComposedMail {
  subject: string;
  text: string;
  html: string;
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text made safe inside HTML, in elements and in quoted attributes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (char) => ENTITIES[char]!);

// A line break in a subject would start a new header.
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();

const STYLE = "font:16px/1.5 system-ui,sans-serif;color:#1c2b2a;max-width:34em;margin:2em auto;padding:0 1em";
const BUTTON =
  "display:inline-block;padding:.6em 1.2em;background:#0f766e;color:#fff;border-radius:6px;text-decoration:none";

/** The letter as text and as HTML, everything in it escaped. */
export function composeMail({ subject, paragraphs, action }: Letter): ComposedMail {
  const html = [
    ...paragraphs.map((text) => `<p>${escapeHtml(text)}</p>`),
    ...(action
      ? [
          `<p><a style="${BUTTON}" href="${escapeHtml(action.url)}">${escapeHtml(action.label)}</a></p>`,
          `<p style="font-size:13px;color:#5b6b69">Or open this address: ${escapeHtml(action.url)}</p>`,
        ]
      : []),
  ];
  const text = [...paragraphs, ...(action ? [`${action.label}: ${action.url}`] : [])];
  return {
    subject: oneLine(subject),
    text: `${text.join("\n\n")}\n`,
    html: `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(oneLine(subject))}</title></head><body style="${STYLE}">${html.join("")}</body></html>`,
  };
}

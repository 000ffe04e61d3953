import { expect, it } from "vitest";
import { composeMail } from "./compose.ts";

const EVIL = `"><script>alert('x')</script>&amp;`;

it("escapes every text, in elements and in attributes", () => {
  const { html } = composeMail({
    subject: EVIL,
    paragraphs: [EVIL],
    action: { label: EVIL, url: `https://x.example/?a=1&b="><img src=x>` },
  });
  expect(html).not.toContain("<script");
  expect(html).not.toContain("<img");
  expect(html).toContain("&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)");
  expect(html).toContain('href="https://x.example/?a=1&amp;b=&quot;&gt;&lt;img src=x&gt;"');
});

it("keeps a subject on one line", () => {
  const { subject } = composeMail({ subject: "Hi\r\nBcc: eve@example.com\u2028x", paragraphs: [] });
  expect(subject).toBe("Hi Bcc: eve@example.com x");
});

it("says the same as text", () => {
  const { text } = composeMail({
    subject: "s",
    paragraphs: ["One & one.", "Two."],
    action: { label: "Open", url: "https://x.example/" },
  });
  expect(text).toBe("One & one.\n\nTwo.\n\nOpen: https://x.example/\n");
});

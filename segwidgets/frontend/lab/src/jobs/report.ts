/** A report runs scripts of its own, but loads nothing and sends nothing: the server's policy does not travel with its text. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; worker-src blob:";

/** Before anything of the page's own: a rule holds for what comes after it. */
export function shut(html: string): string {
  const rule = `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`;
  const place = /<head(\s[^>]*)?>/i.exec(html) ?? /^\s*<!doctype[^>]*>/i.exec(html);
  const at = place ? place.index + place[0].length : 0;
  return html.slice(0, at) + rule + html.slice(at);
}

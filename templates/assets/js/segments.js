// How many texts a carrier makes of what somebody writes, and how to make it fewer.
const GSM = '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà', EXT = '^{}\\[~]|€\f';
export function segments(text) {
  const width = c => GSM.includes(c) ? 1 : EXT.includes(c) ? 2 : 0, all = [...text];
  const odd = all.find(c => !width(c)) ?? '', size = odd ? c => c.length : width, one = odd ? 70 : 160, many = odd ? 67 : 153;
  const n = all.reduce((sum, c) => sum + size(c), 0);
  if (n <= one) return { n, parts: 1, left: one - n, odd };
  let parts = 1, used = 0;
  for (const c of all) { if (used + size(c) > many) { parts++; used = 0; } used += size(c); }   // no character is cut in two
  return { n, parts, left: many - used, odd };
}
const SWAP = { '’': "'", '‘': "'", '‚': "'", '′': "'", '´': "'", '`': "'", '“': '"', '”': '"', '„': '"', '«': '"', '»': '"', '–': '-', '—': '-', '‑': '-', '−': '-', '…': '...', '•': '*', '\u00a0': ' ', '\u202f': ' ', '\u200b': '', '\t': ' ' };
export const plain = text => [...text].map(c => GSM.includes(c) || EXT.includes(c) ? c : SWAP[c] ?? (s => s && [...s].every(x => GSM.includes(x)) ? s : c)(c.normalize('NFKD').replace(/\p{M}/gu, ''))).join('');

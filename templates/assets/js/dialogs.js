// Links with data-dialog open in a sheet over the page instead of leaving it. What
// stands in the sheet is the same form that the link shows as a page of its own.
import { $, parse, toast } from './fragments.js';
import { headers, pull, signedOut } from './live.js';

const sheet = () => $('#dialog');
let from = null, asked = 0;

export async function open(url, keep) {
  const mine = ++asked;
  let r, text;
  try { r = await fetch(url, { headers: headers() }); text = await r.text(); } catch { return location.assign(url); }
  if (mine !== asked || signedOut(r)) return;
  if (!r.ok) return void toast(/^text\/plain/.test(r.headers.get('Content-Type') ?? '') && text.length < 300 ? text : 'That did not work. Try again.');
  const body = parse(text), box = sheet();
  if (keep) { const was = $('[data-results]', box), is = $('[data-results]', body); if (was && is) return was.replaceWith(is); }
  box.replaceChildren(body);
  if (!box.open) { from = document.activeElement; box.showModal(); }
  ($('[autofocus],textarea', box) ?? $('#dialogh', box))?.focus();
}
export function shutSheet() { if (sheet()?.open) { sheet().close(); sheet().replaceChildren(); from?.focus?.({ preventScroll: true }); } }

document.addEventListener('click', e => {
  const a = e.target.closest('#dialog a[data-dialog]'), box = sheet();
  if (!box || e.button || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
  if (a) { e.preventDefault(); open(a.href); }
  else if (e.target.closest('#dialog [data-close]') || e.target === box) { e.preventDefault(); shutSheet(); }
});
let timer;
const query = form => `${form.action}?${new URLSearchParams(new FormData(form))}`;
document.addEventListener('input', e => { const form = e.target.closest('#dialog [data-search]'); if (form) { clearTimeout(timer); timer = setTimeout(() => open(query(form), true), 180); } });
document.addEventListener('submit', async e => {
  const form = e.target;
  if (!form.closest('#dialog')) return;
  if (form.matches('[data-search]')) { e.preventDefault(); open(query(form), true); }
  else if (form.matches('[data-create]')) {
    e.preventDefault();
    const b = e.submitter; if (b) b.disabled = true;
    try {
      const r = await fetch(form.action, { method: 'POST', headers: headers(), body: new URLSearchParams(new FormData(form)) });
      if (signedOut(r)) return;
      const to = r.headers.get('X-Location');
      if (to) { shutSheet(); document.dispatchEvent(new CustomEvent('visit', { detail: to })); pull(); return; }
      const text = await r.text();
      if (r.status === 422) { sheet().replaceChildren(parse(text)); $('.error', sheet())?.scrollIntoView({ block: 'nearest' }); } else toast('That did not work. Try again.');
    } catch { toast('No connection. Nothing is lost: try again in a moment.'); }
    finally { if (b) b.disabled = false; }
  }
  else if (form.matches('[data-act]')) queueMicrotask(shutSheet);
}, true);

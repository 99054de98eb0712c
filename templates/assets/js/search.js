// The page of a search: what is typed is looked for at once, and more of what was
// found comes before the end is reached.
import { $, parse } from './fragments.js';
import { headers, signedOut } from './live.js';

const form = () => $('.find.open');
let timer, latest = 0;

function address(path) {
  const url = new URL(path ?? form().action, location.href), view = $('#frame').dataset.view;
  if (!path) for (const [k, v] of new FormData(form())) if (v) url.searchParams.set(k, v);
  if (!path && view && view !== 'open') url.searchParams.set('view', view);
  return url;
}
async function fragment(url) {
  const r = await fetch(url, { headers: headers() });
  if (signedOut(r)) return null;
  if (!r.ok) throw new Error(r.status);
  return parse(await r.text()).firstElementChild;
}

async function look() {
  const mine = ++latest, url = address();
  try {
    const got = await fragment(url);
    if (!got || mine !== latest || !form()) return;
    $('#found').replaceWith(got); watch();
    if (location.pathname === url.pathname) history.replaceState(null, '', url);
  } catch { /* the next letter tries again, and so does Enter */ }
}
document.addEventListener('input', e => {
  if (!e.target.closest('.find.open')) return;
  clearTimeout(timer); timer = setTimeout(look, 180);
});

let busy = false;
async function more() {
  const p = $('#found > .more'), a = p && $('a', p);
  if (!a || busy) return;
  busy = true;
  try {
    const got = await fragment(address(a.href));
    if (got && p.isConnected) { p.replaceWith(...got.children); watch(); }
  } catch { a.textContent = 'Show more: try again'; }
  busy = false;
}
document.addEventListener('click', e => { if (e.target.closest('[data-older-hits]')) { e.preventDefault(); more(); } });
document.addEventListener('click', e => {
  const hit = e.target.closest('.hit > a');
  if (hit) { document.querySelectorAll('.hit > a').forEach(a => a.removeAttribute('aria-current')); hit.setAttribute('aria-current', 'page'); }
});

const end = new IntersectionObserver(es => es.some(e => e.isIntersecting) && more(), { rootMargin: '400px' });
function watch() { end.disconnect(); const p = $('#found > .more'); if (p) end.observe(p); }
watch();
new MutationObserver(() => $('#found') && watch()).observe($('#main'), { childList: true });

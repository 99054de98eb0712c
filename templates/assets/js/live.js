// Keeps the page up to date. An event carries a revision only; the page then asks
// for what changed since its own. One stream serves all tabs of a browser, because
// HTTP/1.1 allows six connections: the tab that holds a Web Lock has it and tells
// the others over a BroadcastChannel.
import { $, apply, say, toast, word } from './fragments.js';

const body = document.body, page = { rev: +body.dataset.rev || 0, where: () => '' };
let busy = null, again = false, retry, down, gone = 0;

export const after = () => page.rev;
// where(): the query that says what this page shows. An answer to an older question moves no revision.
export const where = () => page.where();
export function adopt(response, asked) { const r = +response.headers.get('X-Rev'); if (r > page.rev && asked === page.where()) page.rev = r; }
export function rewind(rev, whole) { page.rev = whole ? rev : Math.min(page.rev, rev); again = !!busy; }
export const headers = () => ({ 'X-Fragment': '1', 'X-After': String(page.rev), Accept: 'text/html' });

let told;
export function signedOut(r) {
  const door = body.dataset.door ?? '/login';
  if (r.status !== 401 && !(r.redirected && r.url.includes(door))) return false;
  if (!told) toast(word('Out', 'You are signed out.'), word('Door', 'Sign in again'), `${door}?next=${encodeURIComponent(location.pathname + location.search)}`);
  return told = true;
}

// pull fetches changes; at most one request is on its way.
export function pull() {
  if (busy) { again = true; return busy; }
  return busy = (async () => {
    try {
      do {
        again = false;
        const asked = page.where(), r = await fetch(`${body.dataset.changes}?after=${page.rev}${asked && '&' + asked}`, { headers: headers(), signal: AbortSignal.timeout(20000) });
        if (signedOut(r)) return;
        if (r.status === 205) return location.reload();                // it slept through too much
        if (!r.ok) throw new Error(r.status);
        apply(await r.text()); adopt(r, asked); up(true); gone = 0;
        if (asked !== page.where()) again = true;
      } while (again);
    } catch { up(false); clearTimeout(retry); retry = setTimeout(pull, Math.min(30000, 1500 * 2 ** gone++)); }
    finally { busy = null; }
  })();
}

// A break shorter than two seconds is nobody's business.
function up(ok) {
  const banner = $('#offline');
  if (ok) {
    if (down) document.dispatchEvent(new Event('back'));              // what could not be sent is sent now
    clearTimeout(down); down = 0; if (banner && !banner.hidden) { banner.hidden = true; say(word('Back', 'Back online')); }
  }
  else if (!down) down = setTimeout(() => { if (banner) banner.hidden = false; }, 2000);
}

export function live(question = () => '') {
  page.where = question;
  const name = `porchlight${body.dataset.events}:${body.dataset.me ?? ''}`, bus = new BroadcastChannel(name);
  const take = m => {
    if (m.reset) return location.reload();
    if (m.up !== undefined) up(m.up);
    if (m.up || m.rev !== undefined && (!m.rev || m.rev > page.rev)) pull();
  };
  bus.onmessage = e => take(e.data);
  const tell = m => { bus.postMessage(m); take(m); };
  const stream = () => {
    const es = new EventSource(body.dataset.events);
    es.onopen = () => tell({ up: true });
    es.onerror = () => { tell({ up: false }); if (es.readyState === EventSource.CLOSED) setTimeout(stream, 5000); };
    es.addEventListener('changed', e => tell({ rev: +e.lastEventId }));
    es.addEventListener('reset', () => tell({ reset: true }));
  };
  const lead = () => new Promise(stream);                             // held until this tab goes away
  if (!navigator.locks) stream();                                     // not a secure context: each tab has its own
  else navigator.locks.request(name, { ifAvailable: true }, lock => {
    if (lock) return lead();
    pull();                                                           // what passed before this tab listened
    navigator.locks.request(name, lead);
  });
  let away = Date.now();
  document.addEventListener('visibilitychange', () => { if (document.hidden) away = Date.now(); else if (Date.now() - away > 30000) pull(); });
  addEventListener('pageshow', e => { if (e.persisted) pull(); });
  addEventListener('offline', () => { up(false); pull(); });          // pull has the last word, not an answer from before the break
  addEventListener('online', pull);
}

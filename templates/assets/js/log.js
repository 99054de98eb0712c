// The log of the open conversation: history upward, the jump pill, and what counts
// as read.
import { $, $$, atEnd, parse, regroup, say, word } from './fragments.js';
import { headers } from './live.js';

export const newest = (log, which = '.msg,.event') => $$(which, log).reduce((n, m) => Math.max(n, +m.id.slice(2) || 0), 0);

// Older messages load before the reader gets there. The log is column-reverse, so nothing under the eye moves.
export function history(log) {
  const top = $('.older', log), a = top && $('a', top);
  if (!a) return;
  let busy = false;
  const load = async () => {
    if (busy) return;
    busy = true; log.ariaBusy = 'true';
    try {
      const r = await fetch(a.dataset.older, { headers: headers() });
      if (!r.ok) throw new Error(r.status);
      const items = [...parse(await r.text()).children].filter(x => !x.id || !document.getElementById(x.id));
      top.after(...items); regroup(log);
      const next = r.headers.get('X-Older');
      if (!next) { seen.disconnect(); top.remove(); }
      else { a.dataset.older = next; a.href = next.replace('/older?', '?'); seen.unobserve(top); seen.observe(top); }
    } catch { a.textContent = word('Again', 'Earlier messages: try again'); }
    busy = false; log.ariaBusy = 'false';
  };
  const seen = new IntersectionObserver(([e]) => e.isIntersecting && load(), { root: log, rootMargin: '500px 0px 0px' });
  seen.observe(top);
  a.addEventListener('click', e => { e.preventDefault(); load(); });
}

// What arrives while somebody reads further up is counted on a pill.
export function jump(log, pill) {
  let n = 0;
  const clear = () => { n = 0; pill.hidden = true; };
  pill.addEventListener('click', () => {
    if ($('.later', log)) return document.dispatchEvent(new CustomEvent('visit', { detail: `/inbox/c/${log.dataset.conv}` }));
    log.scrollTop = 0; clear(); log.focus({ preventScroll: true }); });
  log.addEventListener('scroll', () => { if (atEnd(log) && !$('.later', log)) clear(); }, { passive: true });
  log.addEventListener('arrived', e => {
    say(`${e.detail.el.dataset.who}: ${$('.bub', e.detail.el)?.textContent.slice(0, 200) ?? 'Photo'}`);
    if (!e.detail.pin || $('.later', log)) { pill.hidden = false; $('span', pill).textContent = `${++n} new`; }
  });
}

document.addEventListener('placed', ({ detail }) => {
  if (detail.log && !detail.old && detail.el.matches('.msg.in')) detail.log.dispatchEvent(new CustomEvent('arrived', { detail }));
});

// A message is read when it was in view for a second, in a tab that is visible and focused.
export function reader(log, read) {
  let upto = +log.dataset.unread ? 0 : newest(log, '.msg.in'), timer, paused = false;
  const inView = new Set();
  const check = () => {
    if (!log.isConnected || document.hidden || !document.hasFocus() || paused) return;
    const n = Math.max(0, ...[...inView].filter(m => m.isConnected).map(m => +m.id.slice(2) || 0));
    if (n > upto) { upto = n; read(n); }
  };
  const arm = () => { clearTimeout(timer); timer = setTimeout(check, 1000); };
  const eye = new IntersectionObserver(es => { for (const e of es) e.isIntersecting ? inView.add(e.target) : inView.delete(e.target); arm(); }, { root: log, threshold: .1 });
  const watch = () => $$('.msg.in', log).forEach(m => eye.observe(m));
  watch();
  new MutationObserver(all => {                                       // a call that gets its voicemail is to be seen again
    watch();
    for (const el of all.flatMap(m => [...m.addedNodes])) if (el.matches?.('.carded.in')) upto = Math.min(upto, +el.id.slice(2) - 1);
  }).observe($('.msgs', log), { childList: true });
  log.addEventListener('arrived', () => { paused = false; });
  addEventListener('focus', arm); document.addEventListener('visibilitychange', arm);
  return { pause() { paused = true; upto = 0; } };                    // "mark unread" would be undone at once otherwise
}

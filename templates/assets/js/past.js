// A log that was opened in the past: it starts at the message that was looked for, and
// what came later loads before the reader gets there.
import { $, parse, regroup } from './fragments.js';
import { headers } from './live.js';

export function past(log) {
  $('.msg.at', log)?.scrollIntoView({ block: 'center' });
  const end = $('.later', log), a = end && $('a', end);
  if (!a) return;
  const pill = $('.jump', log.closest('.conv'));
  if (pill) { pill.hidden = false; $('span', pill).textContent = 'Newest'; }
  let busy = false;
  const load = async () => {
    if (busy) return;
    busy = true; log.ariaBusy = 'true';
    try {
      const r = await fetch(a.dataset.later, { headers: headers() });
      if (!r.ok) throw new Error(r.status);
      const height = log.scrollHeight, next = r.headers.get('X-Later');
      end.before(...[...parse(await r.text()).children].filter(x => !x.id || !document.getElementById(x.id)));
      if (next) { a.dataset.later = next; a.href = next.replace('/later?', '?'); } else { end.remove(); seen.disconnect(); if (pill) pill.hidden = true; }
      regroup(log);
      log.scrollTop -= log.scrollHeight - height;                     // counted from the end, so what is under the eye stays
      if (next) { seen.unobserve(end); seen.observe(end); }
    } catch { a.textContent = 'Later messages: try again'; }
    busy = false; log.ariaBusy = 'false';
  };
  const seen = new IntersectionObserver(([e]) => e.isIntersecting && load(), { root: log, rootMargin: '0px 0px 500px' });
  requestAnimationFrame(() => seen.observe(end));
  a.addEventListener('click', e => { e.preventDefault(); load(); });
}

// The demo's handset: texts go out without leaving the page, answers come in live.
import { $, $$, apply, place, regroup, toast, uid } from './fragments.js';
import { headers, live, pull } from './live.js';

document.documentElement.dataset.js = '';
const log = $('#simlog'), text = $('#simbody'), post = async (form, data) => {
  const r = await fetch(form.action, { method: 'POST', headers: headers(), body: data }), html = await r.text();
  if (!r.ok) throw new Error(/^text\/plain/.test(r.headers.get('Content-Type') ?? '') ? html : '');
  if (/^text\/html/.test(r.headers.get('Content-Type') ?? '') && !r.redirected) apply(html);
};

function show(id, body) {
  const li = $('#optimistic').content.firstElementChild.cloneNode(true), last = $$('[data-day]', log).at(-1);
  li.id = 'c-' + id; $('.bub', li).textContent = body;
  Object.assign(li.dataset, { client: id, sort: Math.max(Date.now(), +last?.dataset.sort + 1 || 0), day: last?.dataset.day ?? 'now', daylabel: last?.dataset.daylabel ?? 'Today', state: 'sending', key: 'optimistic', rev: -1 });
  place($('.msgs', log), li); regroup(log); log.scrollTop = 0;
  return li;
}
document.addEventListener('submit', async e => {
  const form = e.target;
  if (!form.matches('[data-send],[data-behave],[data-play]')) return;
  e.preventDefault();
  const data = new URLSearchParams(new FormData(form, e.submitter));
  if (form.matches('[data-play]')) return fetch(form.action, { method: 'POST', headers: headers(), body: data }).then(r => r.text()).then(toast).catch(() => toast('That did not work. Try again.'));
  if (form.matches('[data-behave]')) return post(form, data).then(() => toast('This handset has changed')).catch(() => toast('That did not work. Try again.'));
  const body = (data.get('body') ?? '').trim(), id = uid();
  if (!body) return;
  data.set('body', body); data.set('client', id);
  const li = show(id, body), typed = form.contains(text);
  if (typed) text.value = '';
  try { await post(form, data); await pull(); } catch (err) { toast(err.message || 'That did not work. Try again.'); if (typed && !text.value) text.value = body; }
  if (li.isConnected) { li.remove(); regroup(log); }                  // by now the stored one stands there
});
text?.addEventListener('keydown', e => { if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); text.form.requestSubmit(); } });
document.addEventListener('change', e => e.target.closest('[data-behave]')?.requestSubmit());
$('#handsets [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
live(() => new URLSearchParams({ h: document.body.dataset.handset ?? '' }).toString());

// The pages of people, records and settings: filters that answer while somebody
// types, and a conversation in a drawer over the table.
import { $, $$, apply, parse, toast, uid } from './fragments.js';
import { adopt, headers, live, pull, rewind, signedOut, where } from './live.js';
import { history as older, jump, reader } from './log.js';
import { composer } from './composer.js';

document.documentElement.dataset.js = '';
const fetched = url => fetch(url, { headers: headers() });
const sorry = (r, text) => toast(/^text\/plain/.test(r?.headers.get('Content-Type') ?? '') && text && text.length < 300 ? text : 'That did not work. Try again.');

/* ---- filters: the same URL as the plain form's, and only the table is replaced ---- */
let asked = 0;
async function filter(form) {
  const mine = ++asked, q = new URLSearchParams([...new FormData(form)].filter(([, v]) => v)), url = form.action + (q.size ? `?${q}` : '');
  $('#results').ariaBusy = 'true';
  try {
    const r = await fetched(url), text = await r.text();
    if (mine !== asked || signedOut(r)) return;
    if (!r.ok) return sorry(r, text);
    $('#results').replaceWith(parse(text).firstElementChild);
    history.replaceState(history.state, '', url);
    const n = $$('#results tbody tr').length;
    $('#announce').textContent = n ? `${n}${$('#results [data-more]') ? ' or more' : ''} found` : $('#results h2')?.textContent ?? '';
  } catch { if (mine === asked) { $('#results').ariaBusy = 'false'; toast('No connection. Try again in a moment.'); } }
}
for (const form of $$('form[data-filter]')) {
  let timer;
  form.addEventListener('input', e => { clearTimeout(timer); timer = setTimeout(filter, e.target.matches('select') ? 0 : 250, form); });
  form.addEventListener('submit', e => { e.preventDefault(); clearTimeout(timer); filter(form); });
}

async function more(a) {
  a.ariaBusy = 'true';
  try {
    const r = await fetched(a.href), text = await r.text();
    if (signedOut(r)) return;
    if (!r.ok) return sorry(r, text);
    const got = parse(text), rows = $$('tbody tr', got).filter(tr => !document.getElementById(tr.id)), next = $('[data-more]', got);
    $('#results tbody').append(...rows);
    $('a', rows[0] ?? a)?.focus({ preventScroll: true });
    if (next) { a.href = next.href; a.ariaBusy = null; } else a.remove();
  } catch { a.ariaBusy = null; a.textContent = 'Show more: try again'; }
}

/* ---- looking for a contact inside a form: what is typed and ticked so far goes along ---- */
for (const field of $$('[data-find]')) {
  const form = field.form, button = field.closest('.inline').querySelector('button');
  let timer, nth = 0;
  const look = async () => {
    clearTimeout(timer);
    const mine = ++nth, r = await fetched(`${button.formAction}?${new URLSearchParams(new FormData(form))}`).catch(() => null), text = await r?.text();
    if (mine !== nth || r && signedOut(r)) return;
    if (r?.ok) $('#found').replaceWith(parse(text).firstElementChild); else sorry(r, text);
  };
  field.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(look, 250); });
  field.addEventListener('keydown', e => { if (e.key === 'Enter') { e.preventDefault(); look(); } });
  button.addEventListener('click', e => { e.preventDefault(); look(); });
}

/* ---- the conversation with somebody ---- */
const drawer = $('#drawer');
let reply = null, open = 0, living = false, from = null;

function mount(rev) {
  const talk = $('#talk'), log = talk && $('.log', talk), form = talk && $('.composer[data-conv]', talk);
  reply?.leave(); reply = null; open = +(talk?.dataset.open ?? 0);
  if (!log || !form) return;
  older(log); jump(log, $('.jump', form)); reply = composer(form, log);
  const url = `/inbox/c/${log.dataset.conv}/read`;
  reader(log, upto => fetch(url, { method: 'POST', headers: headers(), body: new URLSearchParams({ upto }) }).catch(() => {}));
  if (log.matches('.fromtop')) log.scrollTop = -log.scrollHeight;
  if (!living) { living = true; rewind(rev, true); live(() => `view=open&open=${open}`); } else rewind(rev);
}

// What a script says to people must stand inside a modal dialog, or it is out of reach.
const words = ['#offline', '#announce', '#toasts'].map(s => $(s));
async function show(a) {
  let r, text;
  a.ariaBusy = 'true';
  try { r = await fetched(a.href); text = await r.text(); } catch { return location.assign(a.href); } finally { a.ariaBusy = null; }
  if (signedOut(r)) return;
  if (!r.ok) return sorry(r, text);
  from = a;
  drawer.replaceChildren(parse(text), ...words);
  drawer.showModal();
  history.pushState({ drawer: true }, '', a.href);
  mount(+r.headers.get('X-Rev'));
  ($('textarea:enabled', drawer) ?? $('h2', drawer)).focus({ preventScroll: true });
}
drawer?.addEventListener('close', () => {
  reply?.leave(); reply = null; open = 0;
  document.body.append(...words); drawer.replaceChildren();
  if (history.state?.drawer) history.back();
  from?.focus();
});
addEventListener('popstate', () => { if (drawer?.open) drawer.close(); });
drawer?.addEventListener('click', e => { if (e.target === drawer) drawer.close(); });   // beside it

document.addEventListener('click', e => {
  const a = e.target.closest('a[href]');
  if (e.defaultPrevented || !a || e.button || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
  if (a.matches('[data-more]')) { e.preventDefault(); more(a); }
  else if (a.matches('[data-talk]') && drawer) { e.preventDefault(); show(a); }
  else if (a.matches('[data-close]') && drawer?.open) { e.preventDefault(); drawer.close(); }
});

// Enter sends here, as people expect of a chat; Shift and Enter is a new line.
document.addEventListener('keydown', e => {
  if (e.key !== 'Enter' || e.shiftKey || e.ctrlKey || e.metaKey || e.altKey || e.isComposing || !e.target.matches('#talk textarea')) return;
  e.preventDefault(); e.target.form.requestSubmit($('.send', e.target.form));
});

// The first message: the answer is the conversation that it started. The same key
// goes with each try, so that a lost answer makes no second message.
document.addEventListener('submit', async e => {
  const form = e.target;
  if (form.matches('[data-act]')) { e.preventDefault(); return act(form, e.submitter); }
  if (!form.matches('[data-first]')) return;
  e.preventDefault();
  const b = $('.send', form);
  if (b.ariaBusy === 'true' || !$('textarea', form).value.trim()) return;
  b.ariaBusy = 'true';
  form.elements.client.value ||= uid();
  try {
    const r = await fetch(form.action, { method: 'POST', headers: headers(), body: new URLSearchParams(new FormData(form)) }), text = await r.text();
    if (signedOut(r)) return;
    if (!r.ok && r.status !== 422) return sorry(r, text);
    $('#talk').replaceWith(parse(text).firstElementChild);
    mount(+r.headers.get('X-Rev'));
    $('#talk textarea')?.focus({ preventScroll: true });
  } catch { toast('No connection. Try again in a moment.'); }
  finally { b.ariaBusy = null; }
});

// The buttons inside a message: try again, dealt with.
async function act(form, b) {
  const question = where();
  if (b) b.ariaBusy = 'true';
  try {
    const r = await fetch(form.action, { method: 'POST', headers: headers(), body: new URLSearchParams(new FormData(form, b)) }), text = await r.text();
    if (signedOut(r)) return;
    if (!r.ok) return sorry(r, text);
    apply(text); if (r.headers.get('X-Rev')) adopt(r, question); else pull();
  } catch { toast('No connection. Try again in a moment.'); }
  finally { if (b) b.ariaBusy = null; }
}

if ($('#talk')) mount(+document.body.dataset.rev);

/* ---- a link that is shown once ---- */
for (const b of $$('[data-copy]')) {
  const field = document.getElementById(b.dataset.copy);
  field.addEventListener('focus', () => field.select());
  if (!navigator.clipboard) continue;                                 // not a secure context: select and copy by hand
  b.hidden = false;
  b.addEventListener('click', () => navigator.clipboard.writeText(field.value).then(() => { b.textContent = 'Copied'; }, () => field.select()));
}
$('#problem')?.focus();

/* ---- plain forms: a double tap sends once ---- */
document.addEventListener('submit', e => {
  const form = e.target;
  if (e.defaultPrevented || form.method !== 'post' || form.matches('[data-act]')) return;
  if ('sent' in form.dataset) e.preventDefault(); else form.dataset.sent = '';
});
addEventListener('pageshow', e => { if (e.persisted) document.querySelectorAll('form[data-sent]').forEach(f => { delete f.dataset.sent; }); });

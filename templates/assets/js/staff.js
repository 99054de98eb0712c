// The inbox: forms that act without leaving the page, conversations that open
// beside a list that stays, more rows, the details panel and the keyboard.
import { $, $$, apply, current, parse, toast } from './fragments.js';
import { adopt, headers, live, pull, rewind, signedOut, where } from './live.js';
import { history as older, jump, reader } from './log.js';
import { composer } from './composer.js';
import { keys, rove } from './keys.js';

const frame = () => $('#frame'), about = () => $('#about'), narrow = matchMedia('(width < 760px)'), slides = matchMedia('(width < 1180px)');
let reply = null, eyes = null;
document.documentElement.dataset.js = '';

/* ---- forms with data-act: post, then put the answer's fragments in place ---- */
async function act(url, data, quiet, form) {
  const asked = where();
  let r, text;
  try { r = await fetch(url, { method: 'POST', headers: headers(), body: data ?? new URLSearchParams() }); text = await r.text(); }
  catch { if (!quiet) toast('No connection. Try again in a moment.'); return false; }
  if (signedOut(r)) return false;
  if (r.ok) {
    if (form) $$('input:not([type=hidden])', form).forEach(i => { i.defaultValue = i.value; i.blur(); });   // it is stored: the answer may replace it
    apply(text); if (r.headers.get('X-Rev')) adopt(r, asked); else pull();
    return true;
  }
  if (!quiet) toast(/^text\/plain/.test(r.headers.get('Content-Type') ?? '') && text && text.length < 300 ? text : 'That did not work. Try again.');
  return false;
}
document.addEventListener('submit', async e => {
  const form = e.target;
  if (!form.matches('[data-act]')) return;
  e.preventDefault();
  const data = new URLSearchParams(new FormData(form, e.submitter)), b = e.submitter, view = frame()?.dataset;
  data.set('view', view?.view ?? '');
  $$(':popover-open').forEach(p => p.hidePopover());
  if (form.matches('[data-unread]')) eyes?.pause();
  if (b) b.ariaBusy = 'true';
  const { done, undo } = form.dataset;
  if (await act(form.action, data, false, form) && done) toast(done, undo && 'Undo', undo && (() => act(undo)));
  if (b) b.ariaBusy = null;
});

/* ---- opening conversations and views: the list keeps its place ---- */
let going = 0;
async function go(url, { list = false, push = true } = {}) {
  const mine = ++going;
  let doc, r;
  try { r = await fetch(url, { headers: { Accept: 'text/html' } }); doc = new DOMParser().parseFromString(await r.text(), 'text/html'); }
  catch { return location.assign(url); }
  if (mine !== going) return;
  const next = doc.getElementById('frame');
  if (!r.ok || r.redirected || !next || doc.body.dataset.version !== document.body.dataset.version) return location.assign(url);
  reply?.leave();
  if (push) history.pushState(null, '', url);
  for (const id of ['conversation', 'about', ...list ? ['list'] : []]) document.getElementById(id).replaceWith(doc.getElementById(id));
  Object.assign(frame().dataset, { pane: next.dataset.pane, view: next.dataset.view, open: next.dataset.open });
  document.body.dataset.today = doc.body.dataset.today;
  title = doc.title;
  rewind(+doc.body.dataset.rev, list);
  mount();
  if (list) ($('#tabs [aria-current]') ?? $('#q'))?.focus({ preventScroll: true });
  else if (narrow.matches) (next.dataset.pane === 'thread' ? $('.chead h2') : $('#rows [aria-current]') ?? $('#rows'))?.focus({ preventScroll: true });
}
document.addEventListener('click', e => {
  const a = e.target.closest('a[href]');
  if (e.defaultPrevented || !a || a.target || e.button || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
  if (a.closest('.row') || a.matches('[data-back],[data-go]')) { e.preventDefault(); go(a.href); }
  else if (a.closest('#tabs') || a.matches('[data-list]') || a.closest('.none') && a.pathname === '/inbox') { e.preventDefault(); $$(':popover-open').forEach(p => p.hidePopover()); go(a.href, { list: true }); }
});
// A link that opens in a sheet brings the code for it when it is first used.
document.addEventListener('click', async e => {
  const a = e.target.closest('a[data-dialog]');
  if (!a || a.closest('#dialog') || e.button || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
  e.preventDefault(); $$(':popover-open').forEach(p => p.hidePopover());
  try { (await import('./dialogs.js')).open(a.href); } catch { location.assign(a.href); }
});
// A search is an address like any other; what is typed on its page is looked for at once.
document.addEventListener('submit', e => {
  if (!e.target.matches('[data-search]')) return;
  e.preventDefault();
  const url = new URL(e.target.action), view = frame().dataset.view;
  for (const [k, v] of new FormData(e.target)) if (v) url.searchParams.set(k, v);
  if (view && view !== 'open') url.searchParams.set('view', view);
  go(url.href, { list: true });
});
document.addEventListener('visit', e => go(e.detail));
addEventListener('popstate', () => { if (location.pathname.startsWith('/inbox')) go(location.href, { list: true, push: false }); });

/* ---- the list: more rows before the end is reached, and the number in the title ---- */
const more = new IntersectionObserver(es => es.some(e => e.isIntersecting) && rows(), { rootMargin: '600px' });
let loading = false;
async function rows() {
  const li = $('#rows > .more'), a = li && $('a', li);
  if (!a || loading) return;
  loading = true;
  try {
    const r = await fetch(a.href, { headers: headers() });
    if (!r.ok) throw new Error(r.status);
    const got = [...parse(await r.text()).children].filter(x => !document.getElementById(x.id));
    got.forEach(current); li.before(...got);
    const next = r.headers.get('X-More');
    more.unobserve(li);
    if (next && li.isConnected) { a.href = next; more.observe(li); } else li.remove();
  } catch { a.textContent = 'Show more: try again'; }
  loading = false;
}
document.addEventListener('click', e => { if (e.target.closest('[data-more]')) { e.preventDefault(); rows(); } });

let title = document.title;
const count = () => { const n = $$('.row:not([data-unread="0"])').length; document.title = n ? `(${n}) ${title}` : title; };
new MutationObserver(count).observe($('#main'), { childList: true, subtree: true });

/* ---- the details panel: a column, a slide-over or a sheet ---- */
const shut = () => { const was = about().matches('.shown,:target'); about().classList.remove('shown'); if (location.hash === '#about') location.replace('#'); if (was && slides.matches) $('[data-key=i]')?.focus(); return was; };
function details(field) {
  if (slides.matches) about().classList.add('shown');
  const d = field && $(`[data-open=${field}]`, about()); if (d) d.open = true;
  ((d && $('input:not([type=hidden])', d)) ?? about()).focus();
}
document.addEventListener('click', e => {
  const on = s => e.target.closest(s);
  if (on('[data-fix]')) { e.preventDefault(); details('addr'); }
  else if (on('a[data-key=i]')) { e.preventDefault(); details(); }
  else if (on('[data-shut]')) { e.preventDefault(); shut(); }
  else if (on('.thin')) {                                             // one sheet at a time
    const b = on('.thin'), next = b.popoverTargetElement, menu = b.closest('[popover]');
    if (!next) return;
    e.preventDefault(); menu.hidePopover(); next.showPopover({ source: $(`.acts [popovertarget="${menu.id}"]`) }); $('button', next)?.focus();
  }
  else if (on('[data-help]')) { $$(':popover-open').forEach(p => p.hidePopover()); $('#help').showModal(); }
  else if (about()?.matches('.shown') && !on('#about,.menu,.toast')) shut();
});
$$('[data-help]').forEach(b => { b.hidden = false; });

/* ---- one conversation ---- */
function mount() {
  const log = $('#conversation .log'), form = $('#conversation .composer');
  reply = eyes = null;
  $$('.row').forEach(current);
  if (log && form) {
    if (log.matches('.fromtop') && !+log.dataset.unread) log.scrollTop = -log.scrollHeight;
    if ($('.later,.msg.at', log)) import('./past.js').then(m => m.past(log));
    older(log); jump(log, $('.jump', form)); reply = composer(form, log);
    eyes = reader(log, id => act(`/inbox/c/${log.dataset.conv}/read`, new URLSearchParams({ upto: id, view: frame().dataset.view }), true));
  }
  if ($('#found')) import('./search.js');
  const m = $('#rows > .more'); if (m) more.observe(m);
  const tabs = $('#tabs'), tab = tabs && $('[aria-current]', tabs);
  if (tab) tabs.scrollLeft = tab.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
  count();
}
mount();
live(() => new URLSearchParams({ view: frame().dataset.view, open: frame().dataset.open || '0' }).toString());

// "Today" is not today any more: a page that was left open over night is rendered anew.
const day = new Date().toDateString();
document.addEventListener('visibilitychange', () => { if (!document.hidden && new Date().toDateString() !== day) location.reload(); });

/* ---- keyboard ---- */
const list = rove(() => $('#rows, #found')), me = document.body.dataset.me;
const press = k => () => { const b = $(`#conversation [data-key="${k}"]`); if (!b) return false; b.click(); if (b.popoverTargetElement) $('button:not(.btn)', b.popoverTargetElement)?.focus(); };
const conv = () => frame().dataset.open, view = v => () => $(`#tabs [data-view=${v}]`)?.click();
keys({
  j: list.next, k: list.prev, ArrowDown: list.next, ArrowUp: list.prev, ']': list.openNext, '[': list.openPrev,
  o: () => list.here()?.click(), u: () => narrow.matches ? $('[data-back]')?.click() : ($('#rows [aria-current]') ?? list.here() ?? $('#rows a'))?.focus(),
  r: () => reply?.choose('reply'), n: () => reply?.choose('note'), e: press('e'), s: press('s'), a: press('a'), '!': press('!'), U: press('U'),
  A: () => conv() && $(`#assign-${conv()}`) ? act(`/inbox/c/${conv()}/assign`, new URLSearchParams({ staff: me, view: frame().dataset.view })).then(ok => ok && toast('Assigned to you')) : false,
  '/': () => { const q = $('#q'); if (!q) return false; q.focus(); q.select(); },
  c: () => { const b = $('#list [data-key=c]'); if (!b) return false; b.click(); },
  i: () => about().matches('.shown') ? shut() : conv() && details(), '?': () => $('#help').showModal(),
  Escape: () => shut() || false,
}, { o: view('open'), m: view('mine'), u: view('unassigned'), n: view('attention'), w: view('waiting'), s: view('snoozed'), c: view('closed'), '@': view('mentions') });

// The portal: the same messages, live, for people outside the team. Every page works
// without this file; with it nothing has to be reloaded.
import { $, $$, apply, parse, regroup, uid, word } from './fragments.js';
import { adopt, headers, live, pull, signedOut, where } from './live.js';

document.documentElement.dataset.js = '';
const log = $('.log'), conv = log?.dataset.conv ?? '', form = $('.composer[action]');
const past = log?.dataset.past;                                       // the newest are not on this page
live(() => conv && !past ? `open=${conv}` : '');

/* ---- the unread number in the navigation and the title ---- */
const title = document.body.dataset.title;
document.addEventListener('placed', ({ detail: { el } }) => {
  if (el.id === 'p-unread') document.title = (el.hidden ? '' : `(${parseInt(el.textContent)}) `) + title;
  if (log?.contains(el)) { watch(); if (el.matches('.msg.in')) $('#announce').textContent = `${el.dataset.who}: ${$('.bub', el)?.textContent.slice(0, 200) ?? ''}`; }
});

/* ---- what was in view for a moment is read ---- */
const seen = new Set(), told = new Set();
let timer;
const eye = log && new IntersectionObserver(es => { for (const e of es) e.isIntersecting ? seen.add(e.target) : seen.delete(e.target); arm(); }, { root: log, threshold: .4 });
const watch = () => eye && $$('.msg[data-unseen]', log).forEach(m => eye.observe(m));
const arm = () => { clearTimeout(timer); timer = setTimeout(report, 800); };
async function report() {
  if (document.hidden) return;
  const ids = [...seen].filter(m => m.isConnected && m.dataset.unseen !== undefined).map(m => m.id.slice(2)).filter(id => !told.has(id));
  if (!ids.length) return;
  ids.forEach(id => told.add(id));
  try { const r = await fetch(`/portal/c/${conv}/seen`, { method: 'POST', headers: headers(), body: new URLSearchParams({ ids: ids.join(',') }) }); if (!r.ok) throw 0; }
  catch { ids.forEach(id => told.delete(id)); setTimeout(arm, 5000); }
}
document.addEventListener('visibilitychange', arm);
if (log) {
  const first = $('.new', log);
  if (location.hash) $(`#${CSS.escape(location.hash.slice(1))}`)?.scrollIntoView({ block: 'center' });
  else if (past) log.scrollTop = -log.scrollHeight;
  else if (log.matches('.fromtop')) log.scrollTop = -log.scrollHeight; else first?.scrollIntoView({ block: 'center' });
  watch(); regroup(log);
  if ($('.older', log)) import('./log.js').then(m => m.history(log));
}

/* ---- files go up while one writes; the form then only names them ---- */
function loaded(form) { return $$('.up:not([data-failed])', form); }
function filing(form, pane) {
  if (!form.dataset.files) return () => true;
  let there, later;
  const bring = () => { there ??= import('./files.js').then(m => m.files(form)).catch(() => { there = null; }); };
  for (const on of ['focusin', 'pointerover']) form.addEventListener(on, bring);
  pane?.addEventListener('dragenter', bring);
  const waits = () => loaded(form).some(li => 'busy' in li.dataset);
  form.addEventListener('files', () => { if (!later || waits()) return; later = false; $('.send', form).ariaBusy = null; if (!$('[data-failed]', form)) form.requestSubmit(); });
  return e => { if (!waits()) return true; e.preventDefault(); later = true; $('.send', form).ariaBusy = 'true'; return false; };   // it goes when the last file is there
}

/* ---- writing: the text stays until the server has it ---- */
if (form) {
  const area = $('textarea', form), key = `portal:${document.body.dataset.me}:${conv}`, keep = v => { try { v ? localStorage.setItem(key, v) : localStorage.removeItem(key); } catch { /* private mode */ } };
  try { area.value ||= localStorage.getItem(key) ?? ''; } catch { /* private mode */ }
  const size = () => { if (!CSS.supports('field-sizing', 'content')) { area.style.height = 'auto'; area.style.height = `${area.scrollHeight}px`; } };
  area.addEventListener('input', () => { keep(area.value); size(); });
  area.addEventListener('keydown', e => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); form.requestSubmit(); } });
  size();
  const settled = filing(form, log);
  let busy = false;
  form.addEventListener('submit', async e => {
    e.preventDefault();
    if (busy || !area.value.trim() && !loaded(form).length || !settled(e)) return;
    busy = true;
    const b = $('.send', form), asked = where(), say = text => { $('[data-notice]', form).textContent = ''; if (text) { const p = document.createElement('p'); p.className = 'error'; p.role = 'alert'; p.textContent = text; $('[data-notice]', form).append(p); } };
    b.ariaBusy = 'true'; say('');
    try {
      const r = await fetch(form.action, { method: 'POST', headers: headers(), body: new FormData(form) }), text = await r.text();
      if (signedOut(r)) return;
      if (r.ok) {
        if (past) { keep(''); return location.assign(past); }
        apply(text); adopt(r, asked);
        area.disabled = false; area.value = ''; keep(''); $('.ups', form)?.replaceChildren(); form.dispatchEvent(new Event('files')); size(); form.client.value = uid(); form.dispatchEvent(new Event('sent')); log.scrollTop = 0; pull();
      } else say(/^text\/plain/.test(r.headers.get('Content-Type') ?? '') ? text : $('.error', parse(text))?.textContent ?? word('Offline'));
    } catch { say(word('Offline')); }
    finally { busy = false; b.ariaBusy = null; area.focus(); }
  });
}

/* ---- a new conversation asks for what its matter needs, and takes what that takes ---- */
const fresh = $('[data-new]'), about = fresh && $('select[name=about]', fresh);
if (fresh) { const settled = filing(fresh); fresh.addEventListener('submit', settled); }
if (about) {
  const s = $('label[data-subject]'), attach = $('.attach', fresh), picker = $('[type=file]', fresh), d = fresh.dataset;
  const show = () => {
    const o = about.selectedOptions[0]?.dataset ?? {};
    if (s) { s.hidden = o.subject === undefined; $('input', s).required = !s.hidden; }
    if (!picker) return;
    for (const k of ['most', 'max', 'maxtext']) d[k] = o[k];
    picker.accept = o.accept ?? ''; picker.multiple = o.most !== '1'; attach.hidden = o.most === '0';
    $('[data-hint]', fresh).textContent = o.hint ?? '';
  };
  about.addEventListener('change', show); show();
}

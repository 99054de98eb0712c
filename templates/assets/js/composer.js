// The reply form: drafts, the segment counter, and sending. A message shows at
// once and is kept in this browser until the server has it; the same client id
// goes with every try, so the server stores it once.
import { $, $$, apply, parse, place, regroup, toast, uid } from './fragments.js';
import { adopt, headers, pull, signedOut, where } from './live.js';
import { newest } from './log.js';

const me = document.body.dataset.me ?? '';
const store = {                                                       // storage may be full or forbidden
  get(k) { try { return localStorage.getItem(k); } catch { return null; } },
  set(k, v) { try { v ? localStorage.setItem(k, v) : localStorage.removeItem(k); } catch { /* the server keeps drafts too */ } },
};
const draftKey = (conv, kind) => `draft:${me}:${conv}:${kind}`;

/* ---- what waits to be sent, in this browser ---- */
const answered = new Set();                                           // client ids: two events may ask for the same send
const box = {
  key: c => `out:${me}:${c}`,
  all() { try { return Object.keys(localStorage).filter(k => k.startsWith(box.key(''))).map(k => JSON.parse(localStorage[k])).sort((a, b) => a.at - b.at); } catch { return []; } },
  put: e => { answered.delete(e.fields.client); store.set(box.key(e.fields.client), JSON.stringify(e)); },
  drop: e => { answered.add(e.fields.client); store.set(box.key(e.fields.client), ''); },
};
const lines = new Map();                                              // one request after another for each conversation
const inTurn = (conv, job) => { const p = (lines.get(conv) ?? Promise.resolve()).then(job, job); lines.set(conv, p.catch(() => {})); return p; };
const bubble = e => document.getElementById('c-' + e.fields.client);

function show(e) {
  const log = $(`#log-${e.conv}`);
  if (!log || $(`[data-client="${e.fields.client}"]`, log)) return;
  const li = $('#optimistic').content.firstElementChild.cloneNode(true), at = new Date(e.at);
  const day = `${at.getFullYear()}${String(at.getMonth() + 1).padStart(2, '0')}${String(at.getDate()).padStart(2, '0')}`;
  const last = $$('[data-day]', log).at(-1), today = at.toDateString() === new Date().toDateString();
  li.id = 'c-' + e.fields.client;
  Object.assign(li.dataset, { client: e.fields.client, sort: Math.max(e.at, +last?.dataset.sort + 1 || 0), key: 'optimistic',
    day: today ? document.body.dataset.today || day : day, daylabel: today ? 'Today' : at.toLocaleDateString(), state: 'sending', rev: -1 });
  if (e.fields.channel === 'note') li.className = 'msg note';
  $('.who', li).textContent = e.fields.channel === 'note' ? 'Note' : 'You';
  $('.bub', li).textContent = e.fields.body || (e.pics?.length ? '' : 'File');
  $('.atts', li).append(...(e.pics ?? []).map(src => Object.assign(new Image(168, 126), { src, alt: 'Photo' }))); $('.bub', li).hidden = !$('.bub', li).textContent;
  $('.again', li).onclick = () => send(e);
  const edit = $('.again', li).cloneNode(); edit.textContent = 'Edit'; edit.classList.add('ghost');
  edit.onclick = () => { box.drop(e); li.remove(); regroup(log); giveBack(e); };
  $('.meta', li).append(edit);
  place($('.msgs', log), li); regroup(log); log.scrollTop = 0;
}
function mark(e, state, words) {
  const li = bubble(e);
  if (!li) return;
  li.dataset.state = state; $('.st', li).textContent = words; $$('.again', li).forEach(b => { b.hidden = state !== 'failed'; });
}
// The text of a reply that was not taken goes back where it was written.
function giveBack(e, notice) {
  const form = $(`#composer-${e.conv}`), kind = e.fields.channel === 'note' ? 'note' : 'reply';
  if (form) return form.dispatchEvent(new CustomEvent('giveback', { detail: { kind, body: e.fields.body, client: e.fields.client, notice } }));
  const k = draftKey(e.conv, kind), had = store.get(k);
  store.set(k, had ? `${e.fields.body}\n${had}` : e.fields.body);
  toast('A reply was not sent. It is back in its draft.', 'Open', `/inbox/c/${e.conv}`);
}
const send = e => inTurn(e.conv, async () => {
  if (answered.has(e.fields.client)) return;
  mark(e, 'sending', 'Sending…');
  let r, text;
  const asked = where();
  try { r = await fetch(e.url, { method: 'POST', headers: headers(), body: new URLSearchParams(e.fields) }); text = await r.text(); }
  catch { return navigator.onLine ? mark(e, 'failed', 'Not sent') : mark(e, 'sending', 'Waits for the connection'); }
  if (signedOut(r)) return mark(e, 'failed', 'Not sent: you are signed out');
  if (r.ok) {
    box.drop(e); apply(text); adopt(r, asked);
    if ($(`#log-${e.conv} .later`)) document.dispatchEvent(new CustomEvent('visit', { detail: `/inbox/c/${e.conv}` }));
    else if (bubble(e)) pull();
    return;
  }
  if (r.status === 409 || r.status === 422) {
    box.drop(e);
    const li = bubble(e), log = li?.closest('.log'); li?.remove(); if (log) regroup(log);
    return giveBack(e, parse(text));
  }
  const why = /^text\/plain/.test(r.headers.get('Content-Type') ?? '') && text.length < 200 ? text : '';
  mark(e, 'failed', why ? `Not sent: ${why}` : 'Not sent');
});
for (const [on, name] of [[window, 'online'], [document, 'back']]) on.addEventListener(name, () => box.all().forEach(send));

const shelf = new Map();                                              // files of conversations that were left
let counter, counting;                                                // comes with the first text that is counted
export function composer(form, log) {
  const conv = form.dataset.conv, text = $('textarea', form), count = $('.count', form), easy = $('.plain', form), f = form.elements;
  const kind = () => f.channel.value === 'note' ? 'note' : 'reply', kept = { reply: form.dataset.reply ?? '', note: form.dataset.note ?? '' };
  const ups = $('.ups', form), loaded = () => ups ? $$('.up:not([data-failed])', ups) : [];
  const way = () => $('[name=channel]:checked', form);                // how a reply goes: text, email, portal
  let was = kind(), chosen = way().value, timer, filing, later;
  if (text.value) kept[was] = text.value;

  const grow = () => { if (!CSS.supports('field-sizing', 'content')) { text.style.height = 'auto'; text.style.height = text.scrollHeight + 2 + 'px'; } };
  const tally = () => {
    if ((way()?.dataset.by ?? form.dataset.by) !== 'sms') { count.textContent = ''; easy.hidden = true; grow(); return; }
    if (!counter) { counting ??= import('./segments.js').then(m => { counter = m; tally(); }).catch(() => { counting = null; }); return grow(); }
    const s = counter.segments(text.value), fewer = s.odd && counter.segments(counter.plain(text.value));
    count.textContent = !text.value ? '' : s.parts > 1 ? `${s.left} left · ${s.parts} texts` : `${s.left} left · 1 text`;
    if (s.odd && text.value) count.append(Object.assign(document.createElement('span'), { className: 'wide', textContent: ` · unicode: ${s.odd}` }));
    count.title = s.odd ? `${s.odd} is not in the plain alphabet of texts, so 70 characters fit into one instead of 160` : '';
    count.classList.toggle('over', s.parts > 3);
    easy.hidden = !fewer || fewer.odd !== '' && fewer.parts >= s.parts;
    grow();
  };
  const save = () => { clearTimeout(timer); store.set(draftKey(conv, was), text.value.trim() && text.value); };
  const upload = () => {
    const body = text.value.trim() ? text.value : '', k = was;
    if (body === kept[k]) return;
    kept[k] = body;
    inTurn(conv, async () => {
      try { const asked = where(), r = await fetch(form.dataset.drafts, { method: 'POST', headers: headers(), body: new URLSearchParams({ kind: k, body }) });
        if (r.ok && !r.redirected) { apply(await r.text()); adopt(r, asked); } } catch { kept[k] = null; }
    });
  };
  const load = () => { was = kind(); text.value = store.get(draftKey(conv, was)) ?? kept[was] ?? ''; chosen = way().value; ask(); tally(); state(); };
  const ask = () => { text.placeholder = was === 'note' ? 'Note for the team' : way().dataset.placeholder ?? form.dataset.placeholder; };
  const state = () => {                                               // may a text be sent?
    const no = $(`#cstate-${conv}`)?.hasAttribute('data-blocked');
    $('[value=reply]', form).disabled = no; $('.send', form).disabled = no && way().value === 'reply';
  };
  const clear = () => { ups?.replaceChildren(); form.dispatchEvent(new Event('files')); text.value = ''; store.set(draftKey(conv, was), ''); kept[was] = ''; clearTimeout(timer); tally(); };
  const notice = el => { $('[data-notice]', form).replaceChildren(...el ? el.childNodes : []); };

  text.addEventListener('input', () => { clearTimeout(timer); store.set(draftKey(conv, was), text.value.trim() && text.value); timer = setTimeout(upload, 1000); tally(); });
  form.addEventListener('change', e => { if (e.target.name === 'channel') { const next = kind(); if (next !== was) { save(); upload(); load(); notice(); } else take(way().value); } });
  text.addEventListener('keydown', e => { if (e.key === 'Enter' && (e.metaKey || e.ctrlKey) && !e.isComposing) { e.preventDefault(); form.requestSubmit(); } });
  easy.addEventListener('click', () => { text.value = counter.plain(text.value); text.dispatchEvent(new Event('input')); text.focus(); });
  form.addEventListener('click', e => { if (e.target.closest('[data-edit]')) { e.preventDefault(); notice(); text.focus(); } });
  form.addEventListener('giveback', ({ detail: d }) => {
    if (kind() !== d.kind) { save(); const radio = $(`[value=${d.kind}]`, form); radio.disabled = false; radio.checked = true; load(); }
    text.value = text.value.trim() ? `${d.body}\n${text.value}` : d.body; save(); tally();
    const from = d.notice && $('form', d.notice);
    if (from) { f.seen.value = from.elements.seen.value; f.client.value = from.elements.client.value || d.client; notice($('[data-notice]', from)); }
    const back = d.notice && $('.ups', d.notice); if (ups && back) ups.prepend(...back.children);
    ($('[data-anyway]', form) ?? text).focus(); state();
  });
  form.addEventListener('submit', e => {
    e.preventDefault();
    const body = text.disabled ? '' : text.value.trim(), no = $('.send', form).disabled, up = loaded();
    if (!body && !up.length || no) return;
    if (up.some(li => 'busy' in li.dataset)) { later = { by: e.submitter }; $('.send', form).ariaBusy = 'true'; return; }   // it goes when the last file is there
    const again = e.submitter?.matches('[data-anyway]');
    // The newest that this page shows; what is in the conflict card has been seen as well.
    const seen = Math.max(newest(log), again || $('.conflict', form) ? +f.seen.value : 0);
    const out = { url: form.action, conv, at: Date.now(), fields: { body, channel: f.channel.value, client: uid(), seen: String(seen), view: $('#frame')?.dataset.view ?? '' } };
    if (again && f.client.value) out.fields.client = f.client.value;
    if (up.length) { out.fields.file = up.map(li => li.dataset.file).join(); out.pics = up.map(li => $('a > img', li)?.src).filter(Boolean); }
    notice(); box.put(out); show(out); clear(); if (was === 'reply') take('reply'); text.focus(); send(out);
  });
  const settled = () => { if (!later || loaded().some(li => 'busy' in li.dataset)) return; const by = later.by; later = null; $('.send', form).ariaBusy = null; if (!$('[data-failed]', ups)) form.requestSubmit(by); };
  const bring = () => { filing ??= import('./files.js').then(m => m.files(form)).catch(() => { filing = null; }); };
  if (ups) { for (const on of ['focusin', 'pointerover']) form.addEventListener(on, bring); log.addEventListener('dragenter', bring); form.addEventListener('files', settled); }
  const take = v => {                                                 // a way that is blocked falls back to what happens by itself, which says why it cannot
    const at = v => $(`[name=channel][value=${v}]`, form), i = at(v);
    (i && !i.disabled ? i : at('reply')).checked = true; chosen = way().value; ask(); tally(); state();
  };
  const placed = e => {
    if (!form.isConnected) return document.removeEventListener('placed', placed);
    if (e.detail.el.id === `cways-${conv}`) take(was === 'note' ? 'note' : chosen);
    if (e.detail.el.id === `cstate-${conv}`) state();
  };
  document.addEventListener('placed', placed);
  addEventListener('pagehide', () => form.isConnected && save());

  if (shelf.has(conv)) { ups?.append(...shelf.get(conv)); shelf.delete(conv); }
  load();
  const at = async () => { if (!text.value.includes('@')) return; text.removeEventListener('input', at); try { (await import('./mention.js')).mentions(form, text); } catch { /* the name can be typed */ } };
  text.addEventListener('input', at);
  for (const e of box.all().filter(x => x.conv === conv)) {           // what was left when the page went away
    if ($(`[data-client="${e.fields.client}"]`, log)) { box.drop(e); continue; }
    show(e); if (Date.now() - e.at < 6e5) send(e); else mark(e, 'failed', 'Not sent');
  }
  return { focus: () => text.focus(), leave() { save(); upload(); if (loaded().length) shelf.set(conv, [...ups.children]); }, choose(v) { const i = $(`[value=${v}]`, form); if (i && !i.disabled) { i.click(); } text.focus(); } };
}

// Puts fragments of HTML where they belong. The server renders every element; a
// fragment says by id what it replaces, by data-into and data-sort where it goes
// when it is new, and by data-rev how new it is. Applying one twice does no harm.
export const $ = (s, r = document) => r.querySelector(s);
export const $$ = (s, r = document) => [...r.querySelectorAll(s)];
export const uid = () => [...crypto.getRandomValues(new Uint8Array(16))].map(b => b.toString(16).padStart(2, '0')).join('');
export const word = (name, text) => document.body.dataset['w' + name] ?? text;   // in the page's language, where it is not English
export const parse = html => { const t = document.createElement('template'); t.innerHTML = html; return t.content; };

const waiting = new Map();   // fragments for what somebody is using at the moment

export function apply(html) { for (const el of [...parse(html).children]) if (el.id) put(el); }

function put(el) {
  const d = el.dataset;
  const old = standing(el);
  const late = waiting.get(el.id);
  if (old && +old.dataset.rev > +d.rev || late && +late.dataset.rev > +d.rev) return;   // a slow answer must not undo newer news
  if (old && held && old.contains(held)) return void waiting.set(el.id, el);
  if (d.op === 'remove') { waiting.delete(el.id); return old && remove(old); }
  if (old?.parentElement.id === 'rows') current(el);
  if (old && equal(old, el)) return void waiting.delete(el.id);         // nothing new: what is under a finger or the focus stays
  if (old && inUse(old)) return void waiting.set(el.id, el);
  waiting.delete(el.id);
  const into = d.into ? $(d.into) : old?.parentElement;
  if (!into) return;                                                  // not on this page
  if (into.id === 'rows') current(el);
  const log = into.closest('.log'), height = log?.scrollHeight, pin = log && (atEnd(log) || old?.id.startsWith('c-'));
  const focus = old?.contains(document.activeElement) ? document.activeElement : null;
  const left = old?.scrollLeft, top = old?.scrollTop;
  if (old && old.dataset.sort === d.sort) old.replaceWith(el);
  else { old?.remove(); place(into, el); }
  if (left) el.scrollLeft = left;
  if (top) el.scrollTop = top;
  if (focus) (same(focus, el) ?? $('a,button', el) ?? el).focus({ preventScroll: true });
  if (log) {
    regroup(log);
    if (pin) log.scrollTop = 0;
    else if (el.getBoundingClientRect().bottom > log.getBoundingClientRect().top) log.scrollTop -= log.scrollHeight - height;
  }
  document.dispatchEvent(new CustomEvent('placed', { detail: { el, old, log, pin } }));
}

const standing = el => document.getElementById(el.id) ?? (el.dataset.client ? $(`[data-client="${CSS.escape(el.dataset.client)}"]`) : null);
function equal(old, el) {                                             // but for the revision, which the old one takes over
  keepOpen(old, el);
  const { rev } = el.dataset;
  if (rev && old.dataset.rev) el.dataset.rev = old.dataset.rev;
  const yes = old.isEqualNode(el);
  if (rev) (yes ? old : el).dataset.rev = rev;
  return yes;
}

// A pop-over that is open, or a field that somebody types in, is left alone until it is let go.
const inUse = el => !!$(':popover-open', el) || $$('input:not([type=hidden]),textarea', el).some(i => i === document.activeElement || i.value !== i.defaultValue);
const flush = () => { for (const [id, el] of [...waiting]) { const old = standing(el); if (!old) waiting.delete(id); else if (!inUse(old)) put(el); } };
addEventListener('focusout', () => setTimeout(flush, 50));
addEventListener('toggle', () => setTimeout(flush), true);
// What is pressed stays until it is clicked: a click whose target was replaced on the way is lost.
let held = null, letGo;
const release = () => { clearTimeout(letGo); held = null; setTimeout(flush); };
addEventListener('pointerdown', e => { clearTimeout(letGo); held = e.target; }, true);
for (const name of ['pointerup', 'pointercancel']) addEventListener(name, () => { clearTimeout(letGo); letGo = setTimeout(release, 300); }, true);   // after a touch the click comes later
addEventListener('click', release);

const same = (focus, el) => focus.dataset.key ? $(`[data-key="${CSS.escape(focus.dataset.key)}"]`, el) : focus.name ? $(`[name="${CSS.escape(focus.name)}"][value="${CSS.escape(focus.value)}"]`, el) : null;
const keepOpen = (old, el) => $$('details', old).forEach((x, i) => { const y = x.dataset.open ? $(`[data-open="${x.dataset.open}"]`, el) : $$('details', el)[i]; if (y) y.open = x.open; });

function remove(el) {
  if (el.contains(document.activeElement)) $('a', el.nextElementSibling ?? el.previousElementSibling ?? el)?.focus({ preventScroll: true });
  el.remove();
}

export function place(into, el) {                                     // lists: newest first; logs: newest last
  const down = into.dataset.order === 'desc', at = +el.dataset.sort;
  const next = Number.isNaN(at) ? null : $$(':scope > [data-sort]', into).find(k => down ? +k.dataset.sort < at : +k.dataset.sort > at);
  if (next) return next.before(el);
  if ($(':scope > .later', into)) return;                             // the log shows the past: it comes when one gets there
  const more = $(':scope > .more', into);
  if (!more) into.append(el);
  else if (!$(':scope > [data-sort]', into)) more.before(el);         // else it belongs to a page that is not loaded yet
}

// The row of the open conversation is this page's business, not the server's.
export function current(row) {
  const a = $('a', row);
  if (row.id === `row-${$('#frame')?.dataset.open}`) a?.setAttribute('aria-current', 'page'); else a?.removeAttribute('aria-current');
}

export const atEnd = log => log.scrollTop > -60;                      // column-reverse: 0 is the newest end

export function regroup(log) {                                        // day separators and groups, as NewItems does
  $$('.day', log).forEach(d => d.remove());
  let prev;
  for (const m of $$('[data-day]', log)) {
    if (m.dataset.day !== prev?.dataset.day) {
      const d = document.createElement('li'), mark = m.previousElementSibling;
      d.className = 'day'; d.textContent = m.dataset.daylabel; (mark?.matches('.new') ? mark : m).before(d);
    }
    m.classList.toggle('grouped', !!prev && m.matches('.msg') && m.previousElementSibling === prev && m.dataset.key === prev.dataset.key
      && m.dataset.day === prev.dataset.day && m.dataset.sort - prev.dataset.sort < 3e5 && !$('.fail', prev));
    prev = m;
  }
}

/* ---- words for people: a hidden status for screen readers, and toasts ---- */
let spoken = 0, pending = [], timer;
export function say(text) {
  pending.push(text); clearTimeout(timer);
  timer = setTimeout(() => { spoken = Date.now(); const s = $('#announce'); if (s) s.textContent = pending.length > 1 ? word('News', '%d new messages').replace('%d', pending.length) : pending[0]; pending = []; }, Math.max(0, spoken + 2000 - Date.now()));
}

export function toast(text, action, fn) {
  const t = document.createElement('div'); t.className = 'toast'; t.append(Object.assign(document.createElement('span'), { textContent: text }));
  if (action) { const b = document.createElement(typeof fn === 'string' ? 'a' : 'button'); b.textContent = action; if (typeof fn === 'string') b.href = fn; else b.onclick = () => { t.remove(); fn(); }; t.append(b); }
  const box = $('#toasts'); if (!box) return;
  while (box.children.length > 2) box.firstChild.remove();
  box.append(t); if (typeof fn !== 'string') setTimeout(() => t.remove(), 7000);
}

// Single keys outside fields, never with a modifier, and they can be switched off
// (WCAG 2.1.4). "g" starts a pair.
import { $, $$ } from './fragments.js';

export function keys(map, pairs) {
  const off = () => { try { return localStorage.getItem('keys') === 'off'; } catch { return false; } };
  const box = $('[data-keys]');
  if (box) { box.checked = !off(); box.onchange = () => { try { localStorage.setItem('keys', box.checked ? 'on' : 'off'); } catch { /* stays for this page */ } }; }
  let g = 0;
  addEventListener('keydown', e => {
    const t = e.target, field = t.closest?.('input:not([type=radio],[type=checkbox]),textarea,select');
    if (e.key === 'Escape' && field && !t.closest('dialog,[popover]')) return void field.blur();
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || field || t.closest?.('dialog[open]')) return;
    const menu = $$(':popover-open').at(-1);
    if (menu) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
      if (step) { const b = $$('button,input', menu).filter(x => x.offsetParent), i = b.indexOf(document.activeElement); e.preventDefault(); b[(i + step + b.length) % b.length]?.focus(); }
      return;
    }
    if (e.key !== 'Escape' && off()) return;
    const pair = Date.now() - g < 1200 && pairs[e.key]; g = 0;
    if (pair) { e.preventDefault(); return pair(); }
    if (e.key === 'g') { g = Date.now(); return; }
    if (e.key.startsWith('Arrow') && !t.closest?.('.rows') && t !== document.body) return;   // arrows scroll the log
    const fn = map[e.key];
    if (fn && fn(e) !== false) e.preventDefault();
  });
}

// Real focus moves over real links.
export function rove(list) {
  const links = () => $$('.row > a, .hit > a', list());
  const at = a => { const i = a.indexOf(document.activeElement); return i < 0 ? a.findIndex(x => x.ariaCurrent) : i; };
  const step = d => { const a = links(), i = at(a); a[Math.max(0, Math.min(a.length - 1, i + d))]?.focus(); };
  const open = d => { const a = links(), i = a.findIndex(x => x.ariaCurrent); a[Math.max(0, Math.min(a.length - 1, i + d))]?.click(); };
  return { next: () => step(1), prev: () => step(-1), openNext: () => open(1), openPrev: () => open(-1), here: () => { const a = links(); return a[at(a)]; } };
}

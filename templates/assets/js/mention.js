// An @ in the reply box offers the names of the team.
import { $, $$ } from './fragments.js';

export function mentions(form, text) {
  const names = $$('datalist option', form).map(o => o.value);
  if (!names.length) return;
  const list = document.createElement('ul');
  list.className = 'menu mentions'; list.setAttribute('role', 'listbox'); list.setAttribute('aria-label', 'People to mention'); list.hidden = true; list.id = text.id + '-names';
  $('.box', form).append(list);
  let at = -1, chosen = 0;
  const shut = () => { list.hidden = true; at = -1; text.removeAttribute('aria-activedescendant'); text.removeAttribute('aria-controls'); };
  const mark = () => { [...list.children].forEach((li, i) => li.setAttribute('aria-selected', i === chosen)); text.setAttribute('aria-activedescendant', list.children[chosen]?.id ?? ''); };
  const look = () => {
    const head = text.value.slice(0, text.selectionStart), m = /(?:^|[\s(,;:])@([\p{L}\p{N} .'-]{0,40})$/u.exec(head);
    const found = m ? names.filter(n => n.toLowerCase().startsWith(m[1].toLowerCase()) || n.toLowerCase().includes(' ' + m[1].toLowerCase())).slice(0, 6) : [];
    if (!found.length) return shut();
    at = head.length - m[1].length; chosen = 0;
    list.replaceChildren(...found.map((n, i) => Object.assign(document.createElement('li'), { id: `${list.id}-${i}`, textContent: n, role: 'option' })));
    list.hidden = false; text.setAttribute('aria-controls', list.id); mark();
  };
  const take = i => { const n = list.children[i]?.textContent; if (!n) return; text.setRangeText(n + ' ', at, text.selectionStart, 'end'); shut(); text.dispatchEvent(new Event('input')); text.focus(); };
  text.addEventListener('input', look);
  text.addEventListener('keydown', e => {
    if (list.hidden || e.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key], n = list.children.length;
    if (step) { e.preventDefault(); chosen = (chosen + step + n) % n; mark(); }
    else if ((e.key === 'Enter' && !e.ctrlKey && !e.metaKey) || e.key === 'Tab') { e.preventDefault(); e.stopImmediatePropagation(); take(chosen); }
    else if (e.key === 'Escape') { e.preventDefault(); e.stopPropagation(); shut(); }
  });
  list.addEventListener('pointerdown', e => { const li = e.target.closest('li'); if (li) { e.preventDefault(); take([...list.children].indexOf(li)); } });
  look();                                                             // the @ that brought this code
  text.addEventListener('blur', () => setTimeout(shut, 150));
}

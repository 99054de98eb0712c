// The settings without a reload where that helps: fields that an action does not
// need are put away, a link is copied, and a page with changes asks before it goes.
const $$ = (s, r = document) => [...r.querySelectorAll(s)];

$$('.subnav [aria-current]')[0]?.scrollIntoView({ inline: 'nearest', block: 'nearest' });   // on a phone the strip may hide it

for (const b of $$('[data-copy]')) {
  const field = document.getElementById(b.dataset.copy);
  b.hidden = false;
  field.onfocus = () => field.select();
  b.onclick = async () => {
    field.select();
    try { await navigator.clipboard.writeText(field.value); b.textContent = 'Copied'; }
    catch { b.textContent = document.execCommand('copy') ? 'Copied' : 'Press Ctrl+C'; }   // the clipboard needs https
  };
}

for (const select of $$('[data-needs]')) {
  const show = () => { const on = select.selectedOptions[0]?.dataset.for ?? '', team = select.form.elements.kind?.value === 'team';
    for (const part of $$('[data-part]', select.form)) part.hidden = !on.split(' ').includes(part.dataset.part) && !(part.dataset.part === 'whom' && on === 'start' && team); };
  select.form.addEventListener('change', show);
  show();
}

for (const form of $$('[data-role]')) {                               // the button shows once there is something to change
  const select = form.elements.role, b = form.querySelector('button'), was = select.value;
  const show = () => { b.hidden = select.value === was; };
  select.onchange = show; show();
}

const dirty = new Set();                                              // saving one form is no leave to lose another
for (const form of $$('form[method=post]')) {
  form.addEventListener('input', () => dirty.add(form));
  form.addEventListener('submit', () => dirty.delete(form));
}
addEventListener('beforeunload', e => { if (dirty.size) e.preventDefault(); });

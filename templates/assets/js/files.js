// Files of the reply form: each is sent up as soon as it is chosen, with its name,
// size and progress above the text; the form then only names them. A photo that is
// larger than a page ever shows is made smaller first, and what only Apple reads
// becomes a JPEG where this browser can do that.
import { $, $$, parse, toast, uid, word } from './fragments.js';
import { headers } from './live.js';

const SIDE = 2048, LARGE = 2e6;                                       // px, bytes
const size = n => n < 1048576 ? `${Math.max(1, Math.round(n / 1024))} KB` : `${(n / 1048576).toFixed(1)} MB`;
const heic = f => /hei[cf]$/.test(f.type) || /\.hei[cf]$/i.test(f.name);

async function smaller(f) {
  if (!heic(f) && (f.size < LARGE || !/^image\/(jpeg|png|webp)$/.test(f.type))) return f;
  try {
    const img = await createImageBitmap(f), k = Math.min(1, SIDE / Math.max(img.width, img.height));
    const c = Object.assign(document.createElement('canvas'), { width: Math.round(img.width * k), height: Math.round(img.height * k) });
    const g = c.getContext('2d');
    g.fillStyle = '#fff'; g.fillRect(0, 0, c.width, c.height); g.drawImage(img, 0, 0, c.width, c.height); img.close();
    const b = await new Promise(done => c.toBlob(done, 'image/jpeg', .86));
    return b && (heic(f) || b.size < f.size) ? new File([b], f.name.replace(/\.\w+$/, '') + '.jpg', { type: 'image/jpeg' }) : f;
  } catch { return f; }                                               // this browser cannot read it; the server says what it takes
}

function row(f) {
  const li = Object.assign(document.createElement('li'), { className: 'up' }), pic = document.createElement('span'), nm = document.createElement('span');
  const small = document.createElement('small'), bar = Object.assign(document.createElement('progress'), { max: 1, value: 0 });
  pic.className = 'pic'; nm.className = 'nm'; nm.append(f.name, small);
  bar.ariaLabel = word('Sending', 'Sending %s').replace('%s', () => f.name);
  if (/^image\//.test(f.type) && !heic(f)) { const img = new Image(56, 56); img.src = URL.createObjectURL(f); img.alt = ''; img.onload = () => URL.revokeObjectURL(img.src); img.onerror = () => img.remove(); pic.append(img); }
  const off = Object.assign(document.createElement('button'), { type: 'button', className: 'btn ghost icon sm', ariaLabel: word('Takeoff', 'Take %s off').replace('%s', () => f.name), textContent: '×' });
  off.dataset.off = '';
  li.append(pic, nm, off, bar);
  li.dataset.busy = '';
  small.textContent = size(f.size);
  return li;
}

function post(url, data, key, moved, li, about) {
  return new Promise((done, fail) => {
    const r = new XMLHttpRequest(), form = new FormData();            // fetch tells nothing of its progress
    form.append('client', key); if (about) form.append('about', about); form.append('files', data, data.name);
    r.open('POST', url);
    for (const [k, v] of Object.entries(headers())) r.setRequestHeader(k, v);
    r.upload.onprogress = e => moved(e.loaded / e.total);
    r.onload = () => done(r); r.onerror = fail; r.onabort = fail;
    li.stop = () => r.abort();
    r.send(form);
  });
}

export function files(form) {
  const list = $('.ups', form), d = form.dataset, changed = () => form.dispatchEvent(new Event('files'));
  async function up(li, f, key) {
    const bar = $('progress', li), say = $('small', li);
    try {
      const data = await smaller(f);
      if (!li.isConnected) return;
      say.textContent = size(data.size);
      if (data.size > +d.max) throw word('Larger', 'It is larger than %s').replace('%s', d.maxtext);
      const r = await post(d.files, data, key, part => { bar.value = part; }, li, form.elements.about?.value).catch(() => { throw ''; });
      if (r.status === 401) throw word('Out', 'You are signed out');
      if (r.status !== 200) throw /^text\/plain/.test(r.getResponseHeader('Content-Type') ?? '') && r.responseText.length < 300 ? r.responseText : '';
      li.replaceWith(...$$('.up', parse(r.responseText)));
    } catch (why) {
      if (!li.isConnected) return;
      delete li.dataset.busy; li.dataset.failed = ''; bar.remove();
      say.textContent = typeof why === 'string' && why || word('Failed', 'It was not sent up.'); say.role = 'alert';
      if (typeof why === 'string' && why) return;
      const again = Object.assign(document.createElement('button'), { type: 'button', className: 'btn sm', textContent: word('Retry', 'Try again') });
      again.onclick = () => { const next = row(f); li.replaceWith(next); changed(); up(next, f, key).then(changed); };
      li.insertBefore(again, $('[data-off]', li));
    }
  }
  function add(chosen) {
    for (const f of chosen) {
      if ($$('.up:not([data-failed])', list).length >= +d.most) { toast(+d.most === 1 ? word('One', 'One image a message: send this one first.') : word('Most', 'A message takes %d files. Send the others in a second one.').replace('%d', d.most)); break; }
      const li = row(f);
      list.append(li); up(li, f, uid()).then(changed);
    }
    changed();
  }
  const picker = $('[type=file]', form), text = $('textarea', form), pane = form.closest('.conv') ?? form;
  const take = (e, found) => {
    const all = [...found ?? []];
    if (!all.length) return;
    e?.preventDefault();
    if (picker.disabled) toast(word('Either', 'A message here has an image or text, not both: send the text first.')); else add(all);
  };
  const pick = () => { const all = [...picker.files]; picker.value = ''; take(null, all); };
  picker.addEventListener('change', pick);
  picker.parentNode.addEventListener('click', e => { if (picker.disabled) take(e, [0]); });
  text.addEventListener('paste', e => take(e, e.clipboardData?.files));
  for (const on of ['dragover', 'dragleave', 'drop']) pane.addEventListener(on, e => {
    if (!form.isConnected || !e.dataTransfer?.types.includes('Files')) return;
    e.preventDefault(); form.classList.toggle('drop', on === 'dragover');
    if (on === 'drop') take(e, e.dataTransfer.files);
  });
  // A message here may be an image or text: while there is one, the other waits.
  const either = () => {
    text.disabled = $$('.up:not([data-failed])', list).length > 0; picker.disabled = text.value.trim() !== '';
    const first = word('First', 'Send the image first, then the text');
    if (text.disabled) text.placeholder = first;
    else if (text.placeholder === first) text.placeholder = form.elements.channel?.value === 'note' ? 'Note for the team' : d.placeholder ?? '';
  };
  if ('alone' in d) { form.addEventListener('files', either); text.addEventListener('input', either); either(); }
  pick();                                                             // chosen before this module was here
}

document.addEventListener('click', e => {
  const b = e.target.closest('[data-off]'), li = b?.closest('.up'), form = b?.form ?? b?.closest('form');
  if (!li) return;
  li.stop?.(); li.remove();
  if (b.dataset.off) fetch(b.dataset.off, { method: 'POST', headers: headers() }).catch(() => { /* it goes away by itself after a day */ });
  form?.dispatchEvent(new Event('files'));
  $('[type=file]', form)?.focus();
});

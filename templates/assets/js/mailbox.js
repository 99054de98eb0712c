// The demo's mailbox: a mail that arrives is in the list without a reload.
import { live } from './live.js';

document.documentElement.dataset.js = '';
live(() => new URLSearchParams({ m: document.body.dataset.mail ?? '' }).toString());

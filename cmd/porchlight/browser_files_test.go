package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"porchlight/bridge"
	"porchlight/data"
)

// chooses puts files into the form's picker as the browser's own dialog does: one
// JPEG for each name, but a page for what is called page.jpg.
func (p *tab) chooses(names ...string) {
	p.Helper()
	p.write(".composer textarea", "")
	p.do(chromedp.Evaluate(`(async () => {
		const c = document.createElement('canvas'); c.width = 640; c.height = 480; c.getContext('2d').fillRect(0, 0, 640, 480);
		const photo = await new Promise(done => c.toBlob(done, 'image/jpeg')), all = new DataTransfer(), input = document.querySelector('.composer [type=file]');
		for (const n of `+"`"+strings.Join(names, "\n")+"`"+`.split('\n')) all.items.add(new File([n === 'page.jpg' ? '<!DOCTYPE html><p>no</p>' : photo], n, { type: 'image/jpeg' }));
		document.querySelector('.composer textarea').focus(); input.files = all.files; input.dispatchEvent(new Event('change', { bubbles: true }));
	})()`, nil))
}

func TestS1_10_PhotosGoBothWays(t *testing.T) {
	s := newStage(t)
	sam, phone := s.person("Sam", desktop), s.person("Priya's phone", mobile)
	sam.excuse("422", "403") // a page is refused as a photo
	sam.visit("/inbox")
	sam.openConversation("Northside Dental")
	phone.visit(handsetURL(handsetNorthside))
	stayed := sam.stayed()

	phone.click(".quick button[value='(photo)']")
	const thumb = `.querySelector('.atts img[src$="/thumb"]')?.naturalWidth > 0`
	sam.until("the photo arrives in the open conversation", `[...document.querySelectorAll('.log .msg.in')].at(-1)`+thumb)

	sam.chooses("tap.jpg", "page.jpg", "valve.jpg")
	sam.until("two are up, and one says why not", `document.querySelectorAll('.up[data-file]').length === 2 && document.querySelector('.up[data-failed] small').textContent.includes('not taken')`)
	sam.click(".up[data-failed] [data-off]")
	sam.write(".composer textarea", "These two")
	sam.click(".composer .send")
	sam.until("the message with two photos", `[...document.querySelectorAll('.log .msg.out')].some(m => m.dataset.state === 'delivered' && m.querySelectorAll('.atts img').length === 2)`)
	sam.is("the form is empty again", `!document.querySelector('.up') && document.querySelector('.composer textarea').value === ''`)
	phone.until("both on the handset", `[...document.querySelectorAll('.msg.in')].some(m => m.querySelectorAll('.atts img').length === 2)`)
	sam.is("the page was never loaded anew", stayed)
	for _, text := range s.sim.Handset(handsetNorthside) {
		if text.From != handsetNorthside && text.Media != 0 && text.Media != 2 {
			t.Errorf("a text with %d files", text.Media)
		}
	}
	err := s.store.Read(t.Context(), func(tx *data.Tx) error {
		ms, err := tx.Messages(s.conversation("Northside Dental"), 0, 1)
		if err == nil && (len(ms[0].Attachments) != 2 || ms[0].Attachments[1].State != bridge.Kept) {
			t.Errorf("%+v", ms[0].Attachments)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestS0_19_21_22_InTheModalAnImageStandsAlone(t *testing.T) {
	s := newStage(t)
	sam := s.person("Sam", desktop)
	sam.visit("/people?side=handyman")
	sam.click("[data-talk][title='Message Ravi Mehta']")
	sam.until("the modal", `document.querySelector('#drawer[open] .composer [type=file]')`)
	text := `document.querySelector('#drawer .composer textarea')`
	sam.chooses("hall.jpg")
	sam.until("the thumbnail above the input, with name and size", `(u => u?.querySelector('img')?.naturalWidth > 0 && u.textContent.includes('hall.jpg') && /[KM]B/.test(u.textContent) && u.getBoundingClientRect().bottom <= `+text+`.getBoundingClientRect().top + 1)(document.querySelector('#drawer .up[data-file]'))`)
	sam.is("no text beside it, and why", text+`.disabled && `+text+`.placeholder.includes('Send the image first')`)
	sam.click("#drawer .up [data-off]")
	sam.until("text can be written again", `!`+text+`.disabled && !document.querySelector('#drawer .up')`)
	sam.write("#drawer .composer textarea", "The key is in the box")
	sam.until("no image beside text", `document.querySelector('#drawer .composer [type=file]').disabled`)
}

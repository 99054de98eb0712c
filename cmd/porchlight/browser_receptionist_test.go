package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"porchlight/bridge"
	"porchlight/data"
)

// A simulated call hands over; the card shows; taking over and the reply reach the
// handset. The chat of the receptionist ends where a person takes over.
func TestS1_13_16_ACallIsHandedOverAndAPersonAnswersIt(t *testing.T) {
	s := newStage(t)
	sam, phone := s.person("Sam", desktop), s.person("Tom's phone", mobile)
	sam.visit("/inbox")
	phone.visit(handsetURL(handsetTom))
	phone.click("[data-play] button[value='ai-call']")

	sam.until("the row is tagged and shows the summary", `[...document.querySelectorAll('#rows .row')].some(r => r.textContent.includes('Tom Becker') && r.textContent.includes('AI handoff') && r.textContent.includes('kitchen ceiling') && r.textContent.includes('Urgent'))`)
	sam.until("the filter", `[...document.querySelectorAll('.tabs a')].some(a => a.dataset.view === 'ai_handoff' && a.textContent.includes('1'))`)
	sam.visit("/inbox?view=ai_handoff")
	sam.openConversation("Tom Becker")
	stayed := sam.stayed()
	sam.until("the card", `(c => c && c.textContent.includes('Emergency') && c.textContent.includes('stopcock is stuck') && c.querySelector('a[href="tel:+14155550131"]') && c.querySelector('a[href^="https://example.com/recordings"]'))(document.querySelector('.callcard'))`)
	sam.is("what was said is folded", `!document.querySelector('.callcard details').open && document.querySelectorAll('.callcard .turns li').length === 7`)
	sam.is("and stands nowhere else in the log", `[...document.querySelectorAll('.log .msg .bub')].every(b => !b.textContent.includes('automatic assistant'))`)

	sam.click(".banners button")
	sam.until("Sam has it", `document.querySelector('.chead [data-key=a]').textContent.includes('Sam Ortiz') && !document.querySelector('.banners button')`)
	sam.write(".composer textarea", "Sam here, I am on my way")
	sam.click(".composer .send")
	phone.until("the reply on the handset", `[...document.querySelectorAll('.msg.in')].some(m => m.textContent.includes('I am on my way'))`)
	sam.is("the page was never loaded anew", stayed)
	for _, text := range s.sim.Handset(handsetTom) {
		if text.From != handsetTom && text.Body != "Sam here, I am on my way" {
			t.Errorf("a text of the call reached the handset: %q", text.Body)
		}
	}

	sam.click(".chead form[action$='/close'] button")
	sam.until("closed", `document.querySelector('.chead .state')?.textContent === 'Closed'`)
	sam.visit("/inbox?view=ai_handoff")
	sam.is("closed, it is handed over no more", `!document.querySelector('#rows .row')`)
}

func TestAPersonTakesOverWhileTheReceptionistChats(t *testing.T) {
	s := newStage(t)
	sam, phone := s.person("Sam", desktop), s.person("phone", mobile)
	sam.visit("/inbox")
	phone.visit(handsetURL(handsetNorthside))
	phone.click("[data-play] button[value='ai-chat']")
	phone.until("the receptionist answers, and says what it is", `[...document.querySelectorAll('.msg.in')].some(m => m.textContent.includes('Automatic assistant:'))`)
	sam.openConversation("Northside Dental")
	sam.until("the banner", `document.querySelector('.banners')?.textContent.includes('The AI receptionist answers here')`)
	sam.is("its answer is badged", `[...document.querySelectorAll('.log .msg.out.ai')].some(m => m.textContent.includes('AI receptionist'))`)
	said := s.botTexts(t, "Northside Dental")

	sam.click(".banners button")
	sam.until("Sam took over", `[...document.querySelectorAll('.log .event')].some(e => e.textContent.includes('took over from the AI receptionist'))`)
	phone.click(".quick button[value^='Yes, that works']")
	sam.until("the customer's answer", `[...document.querySelectorAll('.log .msg.in')].some(m => m.textContent.includes('Yes, that works'))`)
	sam.write(".composer textarea", "This is Sam. Tomorrow at nine?")
	sam.click(".composer .send")
	phone.until("Sam's answer on the handset", `[...document.querySelectorAll('.msg.in')].some(m => m.textContent.includes('Tomorrow at nine'))`)
	if after := s.botTexts(t, "Northside Dental"); after != said {
		t.Errorf("the receptionist wrote %d texts before and %d after Sam took over", said, after)
	}

	sam.click(".chead [popovertarget^='more-']")
	sam.click("form[action$='/give-back'] button")
	sam.until("given back", `document.querySelector('.banners')?.textContent.includes('The AI receptionist answers here')`)
	sam.is("and nobody has it assigned", `document.querySelector('.chead [data-key=a]').textContent.trim() === 'Assign'`)
}

// botTexts counts what the receptionist has written in a conversation.
func (s *stage) botTexts(t *testing.T, title string) (n int) {
	t.Helper()
	err := s.store.Read(t.Context(), func(tx *data.Tx) error {
		ms, err := tx.Messages(s.conversation(title), 0, 200)
		for _, m := range ms {
			if m.Author.Kind == bridge.ByAI {
				n++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestACallThatNobodyAnswersIsTextedBackAndListenedTo(t *testing.T) {
	s := newStage(t)
	sam, phone := s.person("Sam", desktop), s.person("phone", mobile)
	sam.visit("/inbox")
	sam.openConversation("Northside Dental")
	phone.visit(handsetURL(handsetNorthside))
	phone.click("[data-play] button[value='missed-call']")
	phone.until("texted back", `[...document.querySelectorAll('.msg.in')].some(m => m.textContent.includes('Sorry we missed your call'))`)
	sam.until("the voicemail in the open conversation", `(c => c?.textContent.includes('it drips all night') && c.querySelector('audio[src^="/inbox/file/"]'))(document.querySelector('.log .callcard'))`)
	sam.is("it can be played", `(async () => (await fetch(document.querySelector('.log audio').src)).headers.get('Content-Type').startsWith('audio/'))()`)
	sam.until("still our turn", `[...document.querySelectorAll('#rows .row')].some(r => r.textContent.includes('Northside Dental') && r.textContent.includes('Voicemail') && !r.textContent.includes('Waiting'))`)
	sam.until("seen for a second, it is read", row("Northside Dental")+`.dataset.unread === '0'`)
	theirs := s.person("Northside", mobile)
	theirs.comeIn(handsetNorthside, "es")
	theirs.visit(fmt.Sprint("/portal/c/", s.conversation("Northside Dental")))
	theirs.until("what they said on the voicemail, and not the team's word for it", `(b => b.includes('it drips all night') && b.includes('Usted llamó') && !b.includes('Voicemail,'))(document.body.textContent)`)
	phone.click("[data-play] button[value='call']")
	sam.until("a call that was answered is a line", `[...document.querySelectorAll('.log .event')].some(e => e.textContent.includes('Their call was answered'))`)
}

func TestEverybodyCanUseTheCardsOfCalls(t *testing.T) {
	axe := findAxe(t)
	s := newStage(t)
	phone, p := s.person("phone", mobile), s.person("everybody", mobile)
	phone.visit(handsetURL(handsetPriya))
	for _, play := range []string{"ai-call", "missed-call"} {
		phone.click("[data-play] button[value='" + play + "']")
		phone.until(play, `document.querySelector('#toasts, .toast')?.textContent.trim()`)
	}
	p.comeIn(handsetPriya, "es")
	talk := fmt.Sprint("/c/", s.conversation("Priya Raman"))
	p.visit("/portal" + talk)
	p.until("the call, without the team's summary", `document.querySelector('.psaid') && !document.body.textContent.includes('wait for a call')`)
	for name, path := range map[string]string{"a conversation with calls": "/inbox" + talk, "the settings": "/settings/calls", "the handsets": "/simulator", "the portal": "/portal" + talk, "the gallery": "/gallery"} {
		for _, on := range []screen{small, desktop} {
			for _, scheme := range []string{"light", "dark"} {
				p.do(p.look(on, scheme))
				p.visit(path)
				p.until(name, `document.readyState === 'complete'`)
				p.do(chromedp.Evaluate(`document.querySelectorAll('details').forEach(d => d.open = true)`, nil), chromedp.Evaluate(axe+"; true", nil))
				for _, found := range shows[[]string](p, `axe.run(document, { resultTypes: ['violations'] }).then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 120)).join(' ')))`) {
					t.Errorf("%s, %s, %s: %s", name, on.name, scheme, found)
				}
				if w := shows[int](p, `Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)`); on.name == small.name && w > 320 {
					t.Errorf("%s is %d px wide", name, w)
				}
			}
		}
	}
}

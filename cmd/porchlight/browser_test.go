package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"porchlight/bridge/sms"
)

func TestATextGoesRound(t *testing.T) {
	s := newStage(t)
	sam, maya, phone := s.person("Sam", desktop), s.person("Maya", desktop), s.person("Northside's handset", mobile)
	maya.signIn("maya@example.com")
	sam.visit("/inbox")
	sam.is("the owner is signed in", `document.querySelector('.menu-h strong').textContent === 'Sam Ortiz'`)
	samStayed := sam.stayed()
	sam.openConversation("Northside Dental")
	maya.visit("/inbox")
	maya.is("another person is signed in here", `document.querySelector('.menu-h strong').textContent === 'Maya Quinn'`)
	mayaStayed := maya.stayed()
	phone.visit(handsetURL(handsetNorthside))
	phoneStayed := phone.stayed()
	sam.is("the row is not first yet", row("Northside Dental")+`.previousElementSibling`)
	unread := shows[string](maya, `document.title`)

	const question = "Is 9 o'clock on Thursday fine? ☂ <b>Bring</b> an umbrella"
	phone.write("#simbody", question)
	phone.press("Enter")
	phone.until("the own text, once", bubbles("out", question)+`.length === 1`)
	sam.until("the text in the open conversation", bubbles("in", question)+`.length === 1`)
	sam.until("the row is first", `document.querySelector('#rows').firstElementChild === `+row("Northside Dental"))
	sam.is("the preview is the text", row("Northside Dental")+`.querySelector('.t').textContent === `+fmt.Sprintf("%q", question))
	maya.until("the row moved to the top here too", `document.querySelector('#rows').firstElementChild === `+row("Northside Dental"))
	maya.is("the row is unread", row("Northside Dental")+`.dataset.unread === '1'`)
	maya.until("the number in the title has grown", fmt.Sprintf(`document.title !== %q && document.title.startsWith('(1) ')`, unread))
	sam.until("what was seen for a second is read", row("Northside Dental")+`.dataset.unread === '0'`)

	const answer = "9 it is. See you on Thursday."
	sam.reply(answer)
	sam.until("the own bubble", bubbles("out", answer)+`.length === 1`)
	sam.until("the ticks become Delivered", bubbles("out", answer)+`.some(m => m.dataset.state === 'delivered' && m.querySelector('.st').textContent.startsWith('Delivered'))`)
	sam.is("exactly one bubble", bubbles("out", answer)+`.length === 1 && !document.querySelector('.log [data-state=sending]')`)
	sam.is("the box is empty and has the focus", `document.activeElement.matches('.composer textarea') && document.activeElement.value === ''`)
	phone.until("the answer on the handset, once", bubbles("in", answer)+`.length === 1`)
	maya.until("the colleague's list shows the answer", row("Northside Dental")+`.querySelector('.t').textContent.includes('9 it is')`)
	if n := s.received(handsetNorthside, answer); n != 1 {
		t.Errorf("the handset got the answer %d times", n)
	}
	maya.openConversation("Northside Dental")
	maya.is("the colleague reads both, once, under the writer's name", bubbles("in", question)+`.length === 1 && `+bubbles("out", answer)+`.length === 1 && `+bubbles("out", answer)+`[0].dataset.who === 'Sam Ortiz'`)
	for p, stayed := range map[*tab]string{sam: samStayed, maya: mayaStayed, phone: phoneStayed} {
		p.is("the page was never loaded anew", stayed)
	}
}

func TestALandlineShowsTheFailureWithItsNextStep(t *testing.T) {
	s := newStage(t)
	sam := s.person("Sam", desktop)
	sam.visit("/inbox")
	sam.openConversation("Oakfield Lettings")
	const text = "Tuesday at 8 for the shower tray, is that fine?"
	sam.until("it would go by email", `document.querySelector('.cstate').innerText.includes('+ email to')`)
	sam.click(".chan", "Text") // and not by itself: the number is known to fail
	sam.reply(text)
	failed := bubbles("out", text) + `[0]`
	sam.until("the failure", bubbles("out", text)+`.some(m => m.dataset.state === 'undelivered' || m.dataset.state === 'failed')`)
	sam.is("Not delivered, in words", failed+`.querySelector('.st').textContent.startsWith('Not delivered')`)
	sam.until("a mail follows by itself", failed+`.querySelector('.st').textContent.includes('Email')`)
	sam.is("in red", `(c => { const [r, g, b] = getComputedStyle(`+failed+`.querySelector('.fail strong')).color.match(/[\d.]+/g).map(Number); return r > g + 60 && r > b + 60 })()`)
	sam.is("the reason is a sentence", failed+`.querySelector('.fail strong').textContent.toLowerCase().includes('landline')`)
	sam.is("the code", failed+`.querySelector('.fail small').textContent.includes('30006')`)
	sam.is("Call", failed+`.querySelector('.fail a[href="tel:`+handsetLandline+`"]').textContent.includes('Call')`)
	sam.until("an email goes instead", failed+`.querySelector('.fail').innerText.includes('The email tells them instead')`)
	sam.is("no Retry, for a landline stays one", `!/retry|try again/i.test(`+failed+`.querySelector('.fail').innerText)`)
	sam.is("the row says so", row("Oakfield Lettings")+`.querySelector('.tags').textContent.includes('Not delivered')`)
	sam.until("the banner explains the number", `document.querySelector('.banners').textContent.includes('failed')`)

	sam.click("#m-"+shows[string](sam, failed+`.id.slice(2)`)+" [data-fix]", "Fix the number")
	sam.until("the field for a number has the focus", `document.activeElement.name === 'phone' && document.activeElement.checkVisibility()`)

	sam.click("#tabs a", "Needs attention")
	sam.until("the view lists it", `location.search === '?view=attention' && `+row("Oakfield Lettings"))
	sam.openConversation("Oakfield Lettings")
	for range shows[int](sam, `document.querySelectorAll('.log .fail').length`) { // the demo has an older one
		n := shows[int](sam, `document.querySelectorAll('.log .fail').length`)
		sam.click(".log .fail button", "Dealt with")
		sam.until("one failure fewer", fmt.Sprintf(`document.querySelectorAll('.log .fail').length === %d`, n-1))
	}
	sam.until("the view lets it go", `!`+row("Oakfield Lettings"))
	sam.is("it stays open before the reader", `document.querySelector('.chead h2').textContent.includes('Oakfield')`)
	sam.is("it still says that it was not delivered", failed+`.querySelector('.st').textContent.startsWith('Not delivered')`)
	sam.click("#tabs a", "Open")
	sam.until("the badge is gone", row("Oakfield Lettings")+` && !`+row("Oakfield Lettings")+`.textContent.includes('Not delivered')`)
}

func TestManyTabsShareOneStream(t *testing.T) {
	s := newStage(t)
	tabs := make([]*tab, 8)
	for i := range tabs {
		tabs[i] = s.tab(fmt.Sprintf("tab %d", i+1), desktop)
		tabs[i].visit(fmt.Sprintf("/inbox/c/%d", s.conversation("Northside Dental")))
		tabs[i].until("one lock held, the others waiting", fmt.Sprintf(`(navigator.locks.query().then(q => { window.held = q.held.length; window.pending = q.pending.length }), window.held === 1 && window.pending === %d)`, i))
	}
	tabs[0].until("the stream", `document.querySelector('#offline').hidden`)
	if n := s.program.hub.Streams(); n != 1 {
		t.Errorf("8 tabs hold %d streams", n)
	}
	const first, second = "all of you", "those who are left"
	s.texts(handsetNorthside, first)
	for _, p := range tabs {
		p.until("the text", bubbles("in", first)+`.length === 1`)
	}
	leader := 0
	if err := chromedp.Cancel(tabs[leader].ctx); err != nil {
		t.Fatal(err)
	}
	s.texts(handsetNorthside, second)
	for _, p := range tabs[1:] {
		p.until("the text after another tab took over", bubbles("in", second)+`.length === 1`)
	}
	tabs[3].until("one of the others holds the lock", `(navigator.locks.query().then(q => { window.held = q.held.length; window.pending = q.pending.length }), window.held === 1 && window.pending === 6)`)
}

func TestNothingTypedIsLost(t *testing.T) {
	s := newStage(t)
	sam, maya := s.person("Sam", desktop), s.person("Maya", desktop)
	maya.signIn("maya@example.com")
	path := fmt.Sprintf("/inbox/c/%d", s.conversation("Northside Dental"))
	sam.visit(path)
	maya.visit(path)

	// A draft outlives the page, and a note's is another one.
	const draft = "Half a thou"
	sam.write(".composer textarea", draft)
	sam.do(chromedp.Reload())
	sam.until("the draft after a reload", `document.querySelector('.composer textarea')?.value === '`+draft+`'`)
	sam.click(".chan", "Note")
	sam.is("a note begins empty", `document.querySelector('.composer textarea').value === ''`)
	sam.click(".chan", "Text")
	sam.is("the draft is back", `document.querySelector('.composer textarea').value === '`+draft+`'`)
	sam.until("the row says Draft", row("Northside Dental")+`.querySelector('.pre b')?.textContent === 'Draft'`)
	maya.is("a colleague's row does not", `!`+row("Northside Dental")+`.querySelector('.pre b')`)

	// Offline: it waits, and leaves once.
	sam.excuse("ERR_INTERNET_DISCONNECTED", "409 (Conflict)")
	shows[int](sam, `(f => { window.fetch = async (...a) => { const r = await f(...a); if (String(a[0]).includes('/changes')) { window.asked = 1; await new Promise(go => window.answer = go); window.fetch = f } return r }; dispatchEvent(new Event('online')); return 1 })(window.fetch)`)
	sam.until("a look for changes is on its way", `window.asked`)
	sam.offline(true)
	sam.is("its answer from before the break comes late", `(window.answer(), true)`)
	sam.until("the banner", `!document.querySelector('#offline').hidden`)
	const waiting = "Half a thousand is what the part costs"
	shows[int](sam, `(t => { t.value = ''; t.dispatchEvent(new Event('input')); return 1 })(document.querySelector('.composer textarea'))`)
	sam.reply(waiting)
	sam.until("the bubble waits", bubbles("out", waiting)+`[0]?.querySelector('.st').textContent.includes('Waits for the connection')`)
	if n := s.received(handsetNorthside, waiting); n != 0 {
		t.Fatalf("it was sent %d times without a network", n)
	}
	sam.offline(false)
	sam.until("it was sent when the network came back", bubbles("out", waiting)+`[0]?.dataset.state === 'delivered'`)
	sam.until("the banner is gone", `document.querySelector('#offline').hidden`)
	sam.is("one bubble", bubbles("out", waiting)+`.length === 1`)

	// A colleague was faster: nothing leaves before it was seen what they wrote.
	sam.offline(true)
	const mine, theirs = "I will come at ten", "Jo comes at nine"
	sam.reply(mine)
	sam.until("the bubble waits again", bubbles("out", mine)+`[0]?.querySelector('.st').textContent.includes('Waits for the connection')`)
	maya.reply(theirs)
	maya.until("the colleague's answer is delivered", bubbles("out", theirs)+`[0]?.dataset.state === 'delivered'`)
	sam.offline(false)
	sam.until("the conflict card shows it", `document.querySelector('.conflict')?.textContent.includes('`+theirs+`')`)
	sam.is("the words are back in the box", `document.querySelector('.composer textarea').value === '`+mine+`'`)
	sam.is("and not in the log", bubbles("out", mine)+`.length === 0`)
	if n := s.received(handsetNorthside, mine); n != 0 {
		t.Errorf("it was sent %d times although a colleague was faster", n)
	}
	sam.click(".conflict [data-anyway]", "Send anyway")
	sam.until("it was sent anyway", bubbles("out", mine)+`[0]?.dataset.state === 'delivered'`)
	sam.is("once, and the card is gone", bubbles("out", mine)+`.length === 1 && !document.querySelector('.conflict') && document.querySelector('.composer textarea').value === ''`)
	for _, text := range []string{waiting, mine, theirs} {
		if n := s.received(handsetNorthside, text); n != 1 {
			t.Errorf("the handset got %q %d times", text, n)
		}
	}
	sam.do(chromedp.Reload())
	sam.until("after a reload everything is there once", bubbles("out", mine)+`.length === 1 && `+bubbles("out", waiting)+`.length === 1`)
}

// The counter under the box and what the carrier bills have to be the same number.
func TestTheCounterAgreesWithTheCarrier(t *testing.T) {
	s := newStage(t)
	sam := s.person("Sam", desktop)
	sam.visit(fmt.Sprintf("/inbox/c/%d", s.conversation("Northside Dental")))
	for _, text := range []string{
		"Hello", strings.Repeat("a", 160), strings.Repeat("a", 161), strings.Repeat("a", 306), strings.Repeat("a", 307), strings.Repeat("€", 80), strings.Repeat("€", 81),
		strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), strings.Repeat("ê", 70), strings.Repeat("ê", 71), strings.Repeat("ê", 134), strings.Repeat("ê", 135),
		"😀", strings.Repeat("😀", 35), strings.Repeat("😀", 36), strings.Repeat("ê", 66) + strings.Repeat("😀", 34), "{}[]~^|\\", "line\nbreak", "It’s “fine” – really…",
	} {
		parts := shows[int](sam, fmt.Sprintf(`import(document.querySelector('link[rel=modulepreload][href*=composer]').href.replace('composer', 'segments')).then(m => m.segments(%s).parts)`, quoteJS(text)))
		if want := sms.Segments(text).Segments; parts != want {
			t.Errorf("%.12q… (%d bytes): the page counts %d texts, the carrier %d", text, len(text), parts, want)
		}
	}
}

func TestHistoryLoadsUpwardWithoutMovingTheEye(t *testing.T) {
	s := newStage(t)
	sam := s.person("Sam", desktop)
	sam.visit(fmt.Sprintf("/inbox/c/%d", s.conversation("Priya Raman")))
	sam.is("it opens at the newest message", `document.querySelector('.log').scrollTop === 0`)
	sam.is("the unread ones are marked", `document.querySelector('.log .new')?.nextElementSibling.textContent.includes('Yes please')`)
	type eye struct {
		Count int
		Y     float64
		ID    string
	}
	for pages := 0; shows[bool](sam, `!!document.querySelector('.log .older')`); pages++ {
		if pages > 6 {
			t.Fatal("there is no end to the history")
		}
		before := shows[eye](sam, `(l => { l.scrollTop = 420 - (l.scrollHeight - l.clientHeight); const m = [...l.querySelectorAll('.msg')].find(m => m.getBoundingClientRect().bottom > l.getBoundingClientRect().top);
			return { Count: l.querySelectorAll('.msg').length, Y: m.getBoundingClientRect().top, ID: m.id } })(document.querySelector('.log'))`)
		sam.until("older messages", fmt.Sprintf(`document.querySelectorAll('.log .msg').length > %d`, before.Count))
		if y := shows[float64](sam, fmt.Sprintf(`document.getElementById(%q).getBoundingClientRect().top`, before.ID)); y-before.Y > 2 || before.Y-y > 2 {
			t.Errorf("the message under the eye moved %.1f px", y-before.Y)
		}
	}
	want := 0
	for _, c := range demoContacts() {
		if c.name == "Priya Raman" {
			want = len(c.says)
		}
	}
	if n := shows[int](sam, `new Set([...document.querySelectorAll('.log .msg')].map(m => m.id)).size`); n != want {
		t.Errorf("%d messages, want %d", n, want)
	}
	sam.is("in order, and each day has one heading", `(a => a.every((x, i) => !i || +a[i - 1].dataset.sort <= +x.dataset.sort) && new Set(a.map(x => x.dataset.day)).size === document.querySelectorAll('.log .day').length)([...document.querySelectorAll('.log .msg')])`)

	// What comes in while somebody reads further up is counted, and moves nothing.
	y := shows[float64](sam, `(window.held = [...document.querySelectorAll('.log .msg')][20], held.scrollIntoView({ block: 'center' }), held.getBoundingClientRect().top)`)
	s.texts(handsetPriya, "Are you still there?")
	sam.until("the pill", `!document.querySelector('.jump').hidden && document.querySelector('.jump').innerText.includes('1 new')`)
	if now := shows[float64](sam, `held.getBoundingClientRect().top`); now-y > 2 || y-now > 2 {
		t.Errorf("an arrival moved the message under the eye by %.1f px", now-y)
	}
	sam.click(".jump")
	sam.until("the newest message", `document.querySelector('.log').scrollTop > -5 && document.querySelector('.jump').hidden`)
}

func TestStopBlocksTextsAndAnswersGoByEmail(t *testing.T) {
	s := newStage(t)
	sam, phone := s.person("Sam", desktop), s.person("Northside's handset", desktop)
	sam.visit(fmt.Sprintf("/inbox/c/%d", s.conversation("Northside Dental")))
	phone.visit(handsetURL(handsetNorthside))
	sam.write(".composer textarea", "I was about to say")
	phone.click(".quick button", "STOP")
	sam.until("a text is struck through, with its reason", `/STOP/.test(document.querySelector('.chan:has([value=sms]:disabled)')?.title)`)
	sam.until("it would go by email", `/email to northside@example.com/.test(document.querySelector('.cstate').innerText)`)
	sam.is("what was typed is still there", `document.querySelector('.composer textarea').value === 'I was about to say'`)
	sam.until("the row and the panel say so", row("Northside Dental")+`.textContent.includes('Opted out') && document.querySelector('#about').textContent.includes('Opted out')`)
	sam.click(".chan", "Note")
	sam.is("a note can be written", `!document.querySelector('.composer .send').disabled`)
	sam.reply("They do not want texts. Call on Monday.")
	sam.until("the note", bubbles("note", "They do not want texts. Call on Monday.")+`.length === 1`)
	phone.click(".quick button", "START")
	sam.until("texts go again", `document.querySelector('.chan [value=reply]').dataset.by === 'sms'`)
	sam.click(".chan", "Text")
	sam.is("the draft waited", `document.querySelector('.composer textarea').value === 'I was about to say'`)
	sam.press("Ctrl+Enter")
	sam.click(".composer textarea")
	sam.press("Ctrl+Enter")
	sam.until("it is delivered", bubbles("out", "I was about to say")+`[0]?.dataset.state === 'delivered'`)
	if n := s.received(handsetNorthside, "They do not want texts. Call on Monday."); n != 0 {
		t.Error("a note left the house")
	}
}

func TestKeyboardAlone(t *testing.T) {
	s := newStage(t)
	sam := s.person("Sam", desktop)
	sam.visit("/inbox")
	focused := `document.activeElement.closest('.row')`
	visible := `(o => o.outlineStyle !== 'none' && parseFloat(o.outlineWidth) >= 2)(getComputedStyle(document.activeElement))`
	sam.press("j")
	sam.is("j goes to the first row, visibly", focused+` === document.querySelector('.row') && `+visible)
	sam.press("j", "j", "k")
	sam.is("j and k move", focused+` === document.querySelectorAll('.row')[1] && `+visible)
	name := shows[string](sam, focused+`.querySelector('strong').textContent`)
	sam.press("Enter")
	sam.until("Enter opens it", fmt.Sprintf(`document.querySelector('.chead h2')?.textContent.includes(%q)`, name))
	sam.is("the focus stays in the list", focused+`?.querySelector('strong').textContent === `+fmt.Sprintf("%q", name))
	for name != "Northside Dental" {
		open := shows[string](sam, `document.querySelector('#frame').dataset.open`)
		sam.press("]")
		sam.until("the next conversation", fmt.Sprintf(`document.querySelector('#frame').dataset.open !== %q`, open))
		name = shows[string](sam, `document.querySelector('.chead h2').textContent.trim()`)
	}
	sam.press("r")
	sam.is("r goes to the reply box", `document.activeElement.matches('.composer textarea')`)
	sam.is("the box shows the focus", `getComputedStyle(document.querySelector('.composer .box')).outlineStyle !== 'none' || `+visible)
	sam.press("j", "e", "?")
	sam.is("keys are letters in a field", `document.activeElement.value === 'je?'`)
	sam.press("Ctrl+Enter")
	sam.until("Ctrl+Enter sends", bubbles("out", "je?")+`[0]?.dataset.state === 'delivered'`)
	sam.press("Escape")
	sam.is("Esc leaves the box", `!document.activeElement.matches('textarea')`)
	sam.press("?")
	sam.is("? shows the keys", `document.querySelector('#help').open`)
	sam.press("Escape")
	sam.until("Esc closes it", `!document.querySelector('#help').open`)
	sam.press("a")
	sam.until("a opens the team, with the focus in it", `document.activeElement.closest('.menu:popover-open')?.textContent.includes('Assign to')`)
	sam.press("ArrowDown", "Enter")
	sam.until("the arrow and Enter assign", `document.querySelector('.chead .acts').textContent.match(/Maya|Jo/) && !document.querySelector('.menu:popover-open')`)
	sam.press("!")
	sam.until("! marks urgent", `document.querySelector('.chead .flag')`)
	sam.press("e")
	sam.until("e closes the conversation", `document.querySelector('.chead .state')?.textContent === 'Closed' && document.querySelector('.toast')?.textContent.includes('Closed')`)
	sam.until("the row leaves the view", `!`+row("Northside Dental"))
	sam.press("e")
	sam.until("e opens it again", row("Northside Dental")+` && !document.querySelector('.chead .state')?.textContent.includes('Closed')`)
	sam.press("g", "c")
	sam.until("g c shows the closed ones", `location.search === '?view=closed' && document.querySelector('#tabs [aria-current]').textContent.includes('Closed') && `+row("Ben Castellano"))
	sam.press("g", "o")
	sam.until("g o shows the open ones", `location.search === '' && `+row("Northside Dental"))
}

func TestTheInboxWorksWithoutJavaScript(t *testing.T) {
	s := newStage(t)
	sam := s.person("Sam", desktop)
	sam.do(withoutScript())
	sam.visit("/inbox")
	sam.is("no script has run", `document.documentElement.dataset.js === undefined`)
	sam.openConversation("Northside Dental")
	const text = "Written without a script"
	sam.write(".composer textarea", text)
	sam.click(".composer .send")
	sam.until("the answer is in the log, once, and the box is empty", bubbles("out", text)+`.length === 1 && document.querySelector('.composer textarea').value.trim() === ''`)
	for s.received(handsetNorthside, text) != 1 {
		sam.visit(fmt.Sprintf("/inbox/c/%d", s.conversation("Northside Dental")))
	}
	sam.visit(fmt.Sprintf("/inbox/c/%d", s.conversation("Northside Dental")))
	sam.click(".chan", "Note")
	sam.write(".composer textarea", "For the team")
	sam.click(".composer .send")
	sam.until("the note", bubbles("note", "For the team")+`.length === 1`)
	sam.click(".chead button[data-key=a]")
	sam.click(".menu button[name=staff]", "Maya")
	sam.until("it is Maya's", `document.querySelector('.chead button[data-key=a]')?.textContent.includes('Maya')`)
	sam.click(".chead .acts form button", "Close")
	sam.until("it is closed", `document.querySelector('.chead .state')?.textContent === 'Closed'`)
	sam.click(".chead .acts form button", "Reopen")
	sam.until("it is open again", `document.querySelector('.chead .acts form')?.textContent.includes('Close')`)
	sam.click("#tabs a", "Closed")
	sam.until("another view", row("Ben Castellano"))
	sam.visit(fmt.Sprintf("/inbox/c/%d", s.conversation("Priya Raman")))
	sam.click(".older a")
	sam.until("older messages are a page", `location.search.includes('before=') && document.querySelectorAll('.log .msg').length > 10`)

	phone := s.person("Northside's handset", mobile)
	phone.do(withoutScript())
	phone.visit(handsetURL(handsetNorthside))
	phone.is("the handset has the answer", bubbles("in", text)+`.length === 1`)
	phone.write("#simbody", "And this without one too")
	phone.click(".simform button")
	phone.until("the text is on the handset", bubbles("out", "And this without one too")+`.length === 1`)
}

// TestGoingRoundThePages is what people do without thinking: back, forward,
// another view, a second look.
func TestGoingRoundThePages(t *testing.T) {
	s := newStage(t)
	sam := s.person("Sam", desktop)
	sam.visit("/inbox")
	stayed := sam.stayed()
	sam.openConversation("Northside Dental")
	sam.is("the title says who", `document.title.includes('Northside Dental')`)
	sam.openConversation("Luis Ferreira")
	sam.do(chromedp.Evaluate(`history.back()`, nil))
	sam.until("back shows the one before", `document.querySelector('.chead h2')?.textContent.includes('Northside') && document.querySelector('.row:has([aria-current]) strong')?.textContent === 'Northside Dental'`)
	sam.do(chromedp.Evaluate(`history.forward()`, nil))
	sam.until("forward shows the next", `document.querySelector('.chead h2')?.textContent.includes('Luis')`)
	sam.click("#tabs a", "Mine")
	sam.until("a view", `document.querySelector('#tabs [aria-current]')?.textContent.includes('Mine') && location.search === '?view=mine' && !`+row("Tom Becker"))
	sam.is("the count is the number of rows", `document.querySelector('#tabs [aria-current] b').textContent === String(document.querySelectorAll('.row').length)`)
	sam.do(chromedp.Evaluate(`history.back()`, nil))
	sam.until("back from a view", `document.querySelector('#tabs [aria-current]')?.textContent.includes('Open') && document.querySelector('.chead h2')?.textContent.includes('Luis')`)
	sam.is("nothing was loaded anew", stayed)

	// Read and unread.
	sam.openConversation("Tom Becker")
	sam.until("a conversation that was looked at is read", row("Tom Becker")+`.dataset.unread === '0'`)
	sam.click(".chead button[title=More]")
	sam.click(".menu button", "Mark unread")
	sam.until("and unread when somebody says so", row("Tom Becker")+`.dataset.unread !== '0' && /^\(\d+\)/.test(document.title)`)

	// A menu that is open stays open while the page moves.
	sam.click(".chead button[title=More]")
	sam.until("the menu", `document.querySelector('.menu:popover-open')`)
	s.texts(number("Tom Becker"), "Hello?")
	sam.until("the text", bubbles("in", "Hello?")+`.length === 1`)
	sam.is("the menu is still open", `document.querySelector('.menu:popover-open')`)
	sam.press("Escape")
	sam.until("Esc closes it", `!document.querySelector('.menu:popover-open')`)

	// Delivery history beside a message.
	sam.openConversation("Luis Ferreira")
	sam.click(".msg.out button.when")
	sam.until("how it was delivered", `document.querySelector('.hist:popover-open')?.innerText.includes('Accepted by the carrier')`)
	sam.is("it is on the screen", inside(`.hist:popover-open`))
	sam.press("Escape")

	// A name for a number.
	sam.openConversation("+1 415 555 0166")
	sam.write("#about [name=name]", "Wes Brook")
	sam.press("Enter")
	sam.until("the name is everywhere", row("Wes Brook")+` && document.querySelector('.chead h2').textContent.includes('Wes Brook') && document.querySelector('.who-card h2').textContent === 'Wes Brook'`)

	// Snooze, and change one's mind.
	sam.click(".chead [data-key=s]")
	sam.click(".menu button", "Tomorrow morning")
	sam.until("it is snoozed", `document.querySelector('.chead .state')?.textContent.includes('Snoozed until') && !`+row("Wes Brook"))
	sam.click(".toast button", "Undo")
	sam.until("it is back", row("Wes Brook"))
}

func quoteJS(s string) string {
	b, _ := json.Marshal(s) // a string cannot fail
	return string(b)
}

// number is the phone of one of the demo's people.
func number(name string) string {
	for _, c := range demoContacts() {
		if c.name == name {
			return string(c.phone)
		}
	}
	return ""
}

// inside is true while an element lies within the window.
func inside(css string) string {
	return fmt.Sprintf(`(r => r.left >= 0 && r.top >= 0 && r.right <= innerWidth && r.bottom <= innerHeight && r.height > 20)(document.querySelector(%q).getBoundingClientRect())`, css)
}

func TestOnAPhone(t *testing.T) {
	s := newStage(t)
	sam := s.person("Sam", mobile)
	sam.visit("/inbox")
	sam.is("the list has the screen to itself", `!document.querySelector('.thread').checkVisibility() && document.querySelector('.rail').checkVisibility()`)
	sam.openConversation("Northside Dental")
	sam.is("the conversation has the screen to itself", `!document.querySelector('.list').checkVisibility() && document.querySelector('.composer textarea').checkVisibility()`)
	sam.is("the box and its button are on the screen", inside(".composer .send"))
	sam.click(".chead [data-key=i]")
	sam.until("the details slide in", `document.querySelector('#about').checkVisibility() && document.activeElement.closest('#about')`)
	sam.is("within the screen", inside("#about"))
	sam.click("#about [data-shut]")
	sam.until("and out", `!document.querySelector('#about').checkVisibility()`)
	sam.click(".chead button[title=More]")
	sam.until("a sheet with the actions", `document.querySelector('.menu:popover-open')`)
	sam.is("the sheet is at the lower end", inside(".menu:popover-open")+` && Math.abs(innerHeight - document.querySelector('.menu:popover-open').getBoundingClientRect().bottom) < 2`)
	sam.click(".menu:popover-open button", "Snooze")
	sam.until("the sheet of times", `document.querySelector('[id^=snooze]:popover-open')?.textContent.includes('Tomorrow')`)
	sam.press("Escape", "Escape") // the sheet of actions lies below
	sam.until("the sheets are gone", `!document.querySelector('.menu:popover-open')`)
	sam.reply("Sent from a phone")
	sam.until("it is delivered", bubbles("out", "Sent from a phone")+`[0]?.dataset.state === 'delivered'`)
	sam.click("[data-back]")
	sam.until("back to the list", `document.querySelector('.list').checkVisibility() && location.pathname === '/inbox'`)
	sam.is("the focus is in the list", `document.activeElement.closest('#rows')`)
	sam.do(chromedp.Evaluate(`history.back()`, nil))
	sam.until("the browser's own back", `document.querySelector('.composer textarea')?.checkVisibility()`)
}

func TestNoSidewaysScrollAt320(t *testing.T) {
	s := newStage(t)
	p := s.person("a small phone", small)
	for name, path := range s.pages() {
		p.visit(path)
		p.until(name, `document.readyState === 'complete'`)
		if w := shows[int](p, `Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)`); w > 320 {
			t.Errorf("%s is %d px wide", name, w)
		}
		// What is cut off by a pane cannot be reached either. Strips that are made to be pushed sideways may.
		if wide := shows[string](p, `[...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && e.getBoundingClientRect().right > 321 && !e.closest('.tabs,.subnav,.handsets,.vh,svg,.skip,[popover]')).map(e => e.tagName + '.' + e.className).slice(0, 5).join(', ')`); wide != "" {
			t.Errorf("%s: beyond the edge: %s", name, wide)
		}
	}
	p.excuse("404 (Not Found)", "410 (Gone)")
}

// pages are the pages that people see, by name. Signing in is a page of a program
// that knows no visitor.
func (s *stage) pages() map[string]string {
	c := func(name string) string { return fmt.Sprintf("/inbox/c/%d", s.conversation(name)) }
	door, welcome := s.door()
	return map[string]string{
		"login": door + "/login", "welcome": welcome,
		"list": "/inbox", "conversation": c("Priya Raman"), "failure": c("Oakfield Lettings"), "blocked": c("Hannah Cole"),
		"closed": c("Ben Castellano") + "?view=closed", "simulator": handsetURL(handsetNorthside), "mailbox": "/simulator/mail", "gallery": "/gallery",
		"people": "/people", "contact": "/people/1", "contact-new": "/people/new", "merge": "/people/1/merge?into=2", "drawer": "/people/1/message",
		"settings-calls": "/settings/calls", "records": "/records", "record": "/records/1", "record-new": "/records/new", "invitation-expired": "/i/used",
		"error": "/nothing/here", "snoozed": "/inbox?view=snoozed", "expired": "/welcome/used",
	}
}

// TestPictures writes what the pages look like, for people to look at.
func TestPictures(t *testing.T) {
	dir := os.Getenv("PORCHLIGHT_SHOTS")
	if dir == "" {
		t.Skip("set PORCHLIGHT_SHOTS=DIR for pictures of every page")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := newStage(t)
	p := s.person("a photographer", desktop)
	p.excuse("404 (Not Found)", "410 (Gone)")
	for name, path := range s.pages() {
		for _, on := range []screen{desktop, laptop, mobile} {
			for _, scheme := range []string{"light", "dark"} {
				if on == laptop && (scheme == "dark" || name == "gallery") {
					continue
				}
				frame := on
				if name == "gallery" { // the whole of it
					frame.height *= 6
				}
				p.do(p.look(frame, scheme))
				p.visit(path)
				p.until(name, `document.readyState === 'complete'`)
				p.shoot(filepath.Join(dir, name+"-"+on.name+"-"+scheme+".png"))
			}
		}
	}
	p.shootPortal(dir)
	// What opens on top of a page.
	for name, step := range map[string]func(){
		"more":   func() { p.click(".chead button[title=More]") },
		"assign": func() { p.press("a") }, "snooze": func() { p.press("s") }, "help": func() { p.press("?") }, "details": func() { p.press("i") },
		"history": func() { p.click(".msg.out:last-child button.when, .msg.out button.when") },
		"note":    func() { p.write(".composer textarea", "’"); p.click(".chan", "Note") },
		"unicode": func() { p.write(".composer textarea", strings.Repeat("It’s on its way… ", 12)) },
		"reply": func() {
			p.reply("One more text")
			p.until("delivered", `document.querySelector('.msg.out:last-child')?.dataset.state === 'delivered'`)
		},
		"toast": func() { p.press("e"); p.until("a toast", `document.querySelector('.toast')`); p.press("e") },
	} {
		for _, on := range []screen{desktop, mobile} {
			p.do(p.look(on, "light"))
			p.visit(fmt.Sprintf("/inbox/c/%d", s.conversation("Grace Lindqvist")))
			p.until("the script", `document.documentElement.dataset.js === ''`)
			shows[int](p, `(t => { t.value = ''; t.dispatchEvent(new Event('input')); return 1 })(document.querySelector('.composer textarea'))`)
			step()
			p.shoot(filepath.Join(dir, "open-"+name+"-"+on.name+".png"))
		}
	}
}

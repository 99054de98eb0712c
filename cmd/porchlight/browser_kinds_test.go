package main

import (
	"fmt"
	"testing"
)

// TestS4_8_9_10_11_12_13_16_AnAdminStartsAJobConversationAndTheApprenticeSeesOnlyTheirs walks through the
// form as the office does, and looks at the same firm from the van.
func TestS4_8_9_10_11_12_13_16_AnAdminStartsAJobConversationAndTheApprenticeSeesOnlyTheirs(t *testing.T) {
	s := newStage(t)
	maya, jo := s.person("Maya", desktop), s.person("Jo", mobile)
	maya.signIn("maya@example.com")
	jo.signIn("jo@example.com")
	maya.visit("/inbox")
	stayed := maya.stayed()
	maya.press("c")
	maya.until("the sheet asks for a person", `document.querySelector('#dialog[open] #who')`)
	maya.click(`#dialog .tabs a[href*="kind=job"]`)
	maya.until("it asks for the client of a job", `document.querySelector('#dialog .lab')?.textContent.includes('client')`)
	maya.write("#who", "priya")
	maya.until("one client is left", `document.querySelectorAll('#dialog .picks .pick').length === 1`)
	maya.click("#dialog .picks .pick")
	maya.until("S4-20 to 22: a quote that was not sent says why and what to do",
		`[...document.querySelectorAll('#dialog .pick.off')].some(p => p.textContent.includes('Smart thermostat') && p.textContent.includes('Send the quote to the portal first'))`)
	maya.click("#dialog .chosen a")
	maya.until("it asks for the client again", `document.querySelector('#dialog #who')`)
	maya.write("#who", "tom")
	maya.until("Tom is found", `document.querySelectorAll('#dialog .picks .pick').length === 1`)
	maya.click("#dialog .picks .pick")
	maya.until("his job is offered", `document.querySelector('#dialog a.pick')?.textContent.includes('#1049')`)
	maya.click("#dialog a.pick")
	maya.until("the message can be written", `document.querySelector('#dialog textarea')`)
	const hello = "Hello Tom, the plumber is on the way. Please keep the kitchen dry."
	maya.write("#dialog textarea", hello)
	maya.click("#dialog .primary")
	maya.until("the conversation opens with the message", bubbles("out", hello)+`.length === 1`)
	maya.is("its head names client and job", `document.querySelector('.chead').textContent.includes('Tom Becker') && document.querySelector('.chead').textContent.includes('Job #1049')`)
	maya.until("S4-16: the list shows client and job", `[...document.querySelectorAll('.row')].some(r => r.textContent.includes('Tom Becker') && r.textContent.includes('#1049'))`)
	maya.is("the page was never loaded anew", stayed)

	jo.visit("/inbox")
	jo.is("S4-23: the tradie sees what is theirs", `document.querySelector('#rows').textContent.includes('#1042') && !document.querySelector('#rows').textContent.includes('Tom Becker')`)
	jo.is("and no lists of people", `!document.querySelector('.rail a[href="/people"]') && !document.querySelector('.rail a[href="/settings"]')`)
	id := shows[string](maya, `document.querySelector('#frame').dataset.open`)
	jo.excuse("404 (Not Found)")
	jo.visit(fmt.Sprintf("/inbox/c/%s", id))
	jo.is("what is not theirs does not exist", `document.body.textContent.includes('does not exist')`)
	jo.visit("/inbox?view=jobs")
	jo.click("#rows .row a")
	jo.until("the conversation of their job, with the reason why they cannot answer", `document.querySelector('.cstate')?.textContent.includes('Ask the office')`)
}

// TestAMessageMovesToAnotherJobWithOneTap moves a text between two records and
// mentions a colleague about it.
func TestAMessageMovesToAnotherJobWithOneTap(t *testing.T) {
	s := newStage(t)
	sam, maya := s.person("Sam", desktop), s.person("Maya", desktop)
	maya.signIn("maya@example.com")
	maya.visit("/inbox")
	sam.visit(fmt.Sprintf("/inbox/c/%d", s.conversation("Priya Raman")))
	const about = `([...document.querySelectorAll('.msg .about')].at(-1)?.textContent ?? '')`
	sam.is("the text says what it is about, and why", about+`.includes('#1042') && (`+about+`).includes('because')`)
	sam.click(".msg .about a")
	sam.until("the records are offered", `document.querySelector('#dialog[open] button.pick')`)
	sam.click(`#dialog button.pick:not([aria-current])`)
	sam.until("it is about the quote now", `(`+about+`).includes('#91') && (`+about+`).includes('Sam Ortiz said so')`)
	sam.is("the history says so", `[...document.querySelectorAll('.event')].some(e => e.textContent.includes('moved a message to Quote #91'))`)
	sam.press("n")
	sam.write(".composer textarea", "@May")
	sam.until("names are offered", `document.querySelector('.mentions:not([hidden]) li')?.textContent === 'Maya Quinn'`)
	sam.press("Enter")
	sam.is("the name is completed", `document.querySelector('.composer textarea').value === '@Maya Quinn '`)
	sam.write(".composer textarea", "please price it")
	sam.press("Ctrl+Enter")
	sam.until("the note stands", bubbles("note", "@Maya Quinn please price it")+`.length === 1`)
	maya.until("the colleague is alerted", `document.querySelector('#tabs [data-view=mentions] b')?.textContent === '1' && [...document.querySelectorAll('.row')].some(r => r.textContent.includes('Mentions you'))`)
}

// TestTheOwnerAsksWhatHappensIf asks the rules in words, as somebody who set the
// firm up would.
func TestTheOwnerAsksWhatHappensIf(t *testing.T) {
	s := newStage(t)
	sam := s.person("Sam", desktop)
	sam.visit("/settings/what-if")
	choose := func(field, words string) {
		t.Helper()
		sam.is("there is "+words, fmt.Sprintf(`(() => { const s = document.querySelector('[name=%s]'), o = [...s.options].find(o => o.textContent.includes(%q)); if (!o) return false; s.value = o.value; s.dispatchEvent(new Event('change', { bubbles: true })); return true; })()`, field, words))
	}
	ask := func() {
		t.Helper()
		sam.click("[name=ask]")
		sam.until("an answer", `document.querySelector('.answer')`)
	}
	choose("who", "Jo Park")
	choose("do", "see the conversation")
	choose("c", "Tom Becker")
	ask()
	sam.is("no, with the rule and the fix", `document.querySelector('.answer.no')?.textContent.includes('Assign') && document.querySelector('.answer').textContent.includes('who sees a conversation of this kind')`)
	sam.visit("/settings/what-if")
	choose("who", "Maya Quinn")
	choose("do", "reply")
	choose("c", "Tom Becker")
	ask()
	sam.is("yes, with the rule", `document.querySelector('.answer.yes')?.textContent.includes('the role')`)
}

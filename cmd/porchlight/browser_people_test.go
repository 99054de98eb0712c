package main

import (
	"testing"
)

const handsetRavi = "+14155550183"

// TestS0_2_8_13_TheOfficeWritesFromTheTableOfPeople finds a handyman, writes to him
// in the drawer and hears from him there, and never leaves the table.
func TestS0_2_8_13_TheOfficeWritesFromTheTableOfPeople(t *testing.T) {
	s := newStage(t)
	sam := s.person("Sam", desktop)
	sam.visit("/people")
	stayed := sam.stayed()
	sam.write("[name=q]", "ravi")
	sam.until("one row is left", `document.querySelectorAll('#results tbody tr').length === 1 && location.search === '?q=ravi'`)
	sam.click("#results [data-talk]")
	sam.until("the drawer shows who it is, and the history", `document.querySelector('#drawer[open] #talkh')?.textContent === 'Ravi Mehta' && document.querySelector('#drawer .log .msg.in')`)
	sam.is("the cursor stands in the box", `document.activeElement.matches('#talk textarea')`)
	const question, answer = "Could you come at nine?", "Nine is fine"
	sam.write("#talk textarea", question)
	sam.press("Enter")
	sam.until("Enter sent it, and the box is empty", bubbles("out", question)+`.length === 1 && document.querySelector('#talk textarea').value === ''`)
	sam.until("it is delivered, live", bubbles("out", question)+`[0].dataset.state === 'delivered'`)
	s.texts(handsetRavi, answer)
	sam.until("the answer comes in by itself, on the left", bubbles("in", answer)+`.length === 1`)
	sam.press("Escape")
	sam.until("the table is there, with the focus where it was", `!document.querySelector('#drawer').open && location.pathname === '/people' && document.activeElement.matches('[data-talk]')`)
	sam.click("#results [data-talk]")
	sam.until("it opens again with all of it", bubbles("in", answer)+`.length === 1`)
	shows[int](sam, `(history.back(), 1)`)
	sam.until("Back closes it too", `!document.querySelector('#drawer').open && location.pathname === '/people'`)
	sam.is("the page was never loaded anew", stayed)
}

// TestS0_10_TheFirstMessageStartsTheConversation goes from a new contact to the
// second message, both sent by Enter.
func TestS0_10_TheFirstMessageStartsTheConversation(t *testing.T) {
	s := newStage(t)
	sam := s.person("Sam", mobile)
	sam.visit("/people/new")
	sam.write("[name=name]", "Bob Marsh")
	sam.write("[name=phone]", "+1 415 555 0186")
	sam.click(".form .primary")
	sam.until("the profile", `document.querySelector('h1')?.textContent === 'Bob Marsh'`)
	stayed := sam.stayed()
	sam.click(".page-head [data-talk]")
	sam.until("an invitation to start", `document.querySelector('#drawer[open] .empty h2')?.textContent === 'Start the conversation'`)
	for _, text := range []string{"Hello Bob", "Are you there?"} {
		sam.write("#talk textarea", text)
		sam.press("Enter")
		sam.until(text+" is sent once", bubbles("out", text)+`.length === 1 && document.querySelector('#talk textarea').value === ''`)
	}
	sam.click("#talk [data-close]")
	sam.until("the profile again", `!document.querySelector('#drawer').open && location.pathname.match(/^\/people\/\d+$/)`)
	sam.is("the page was never loaded anew", stayed)
}

// TestARecordFindsItsContactsWithoutLosingWhatIsTyped looks for a contact in the
// middle of a form.
func TestARecordFindsItsContactsWithoutLosingWhatIsTyped(t *testing.T) {
	s := newStage(t)
	sam := s.person("Sam", desktop)
	for _, script := range []bool{true, false} {
		if !script {
			sam.do(withoutScript())
		}
		sam.visit("/records/new")
		sam.write("[name=reference]", "R7")
		sam.write("[name=title]", "Radiator")
		sam.write("[name=find]", "grace")
		if !script {
			sam.click("fieldset .inline button")
		}
		sam.until("she is offered", `document.querySelector('#found')?.textContent.includes('Grace Lindqvist')`)
		sam.click("#found label", "Grace Lindqvist")
		if !script {
			sam.click("[name=reference]")
			sam.press("End")
			sam.write("[name=reference]", "b")
		}
		sam.click(".form .primary")
		sam.until("the record", `document.querySelector('h1')?.textContent === 'Radiator' && document.querySelector('#found input:checked')`)
	}
}

// TestPeopleWorkWithoutJavaScript writes from the table with links and forms alone.
func TestPeopleWorkWithoutJavaScript(t *testing.T) {
	s := newStage(t)
	sam := s.person("Sam", mobile)
	sam.do(withoutScript())
	sam.visit("/people")
	sam.write("[name=q]", "ravi")
	sam.click(".filters .btn")
	sam.until("one row is left", `document.querySelectorAll('#results tbody tr').length === 1`)
	sam.click("#results [data-talk]")
	sam.until("a page of its own", `document.querySelector('#talkh')?.textContent === 'Ravi Mehta'`)
	const text = "Written without a script"
	sam.write("#talk textarea", text)
	sam.click("#talk .send")
	sam.until("it comes back with the message", `location.pathname.endsWith('/message') && `+bubbles("out", text)+`.length === 1`)
}

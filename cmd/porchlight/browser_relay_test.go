package main

import (
	"fmt"
	"testing"
)

// Who is on the road has one handset: what customers write comes there, and what they
// answer there is in everybody's inbox, in their name.
func TestS1_5_22_AnAnswerFromThePhoneOnDutyIsTheTeamsAnswer(t *testing.T) {
	s := newStage(t)
	sam, maya, phone := s.person("Sam", mobile), s.person("Maya", desktop), s.person("Sam's handset", mobile)
	maya.signIn("maya@example.com")
	sam.visit("/settings/calls")
	sam.is("whose phone is on duty", `document.querySelector('#h-duty').parentElement.innerText.includes('Sam Ortiz')`)
	sam.click("input[name=duty_texts]")
	sam.click(".savebar .btn")
	sam.until("it is saved", `document.querySelector('input[name=duty_texts]').checked && document.querySelector('[role=status]')`)

	maya.visit(fmt.Sprintf("/inbox/c/%d", s.conversation("Northside Dental")))
	phone.visit(handsetURL(demoOnDuty))
	const question, answer = "Is it still Thursday?", "Yes, at ten"
	s.texts(handsetNorthside, question)
	phone.until("the phone is told", `[...document.querySelectorAll('.msg.in .bub')].some(b => b.textContent.includes('Northside Dental texted: `+question+`') && b.textContent.includes('Answer this text'))`)
	writes := func(text string) {
		phone.write("#simbody", text)
		phone.click(".simbox button")
	}
	writes(answer)
	maya.until("the answer is in the inbox, delivered", bubbles("out", answer)+`[0]?.dataset.state === 'delivered'`)
	maya.is("in the name of whose phone it is", bubbles("out", answer)+`[0].dataset.who === 'Sam Ortiz'`)
	if n := s.received(handsetNorthside, answer); n != 1 {
		t.Errorf("the customer got it %d times", n)
	}

	s.texts(handsetTom, "It is coming through the ceiling")
	phone.until("the phone is told of the other one", `[...document.querySelectorAll('.msg.in .bub')].some(b => b.textContent.includes('Tom Becker texted'))`)
	const which = "I am on my way"
	writes(which)
	phone.until("it is asked for whom", `[...document.querySelectorAll('.msg.in .bub')].some(b => b.textContent.includes('For whom is this? 1 Tom Becker, 2 Northside Dental'))`)
	if n := s.received(handsetNorthside, which) + s.received(handsetTom, which); n != 0 {
		t.Errorf("it went to %d before anybody said for whom it is", n)
	}
	writes("1")
	maya.visit(fmt.Sprintf("/inbox/c/%d", s.conversation("Tom Becker")))
	maya.until("it went to the one who was named", bubbles("out", which)+`[0]?.dataset.state === 'delivered'`)
	if a, b := s.received(handsetTom, which), s.received(handsetNorthside, which); a != 1 || b != 0 {
		t.Errorf("Tom got it %d times, Northside %d times", a, b)
	}
	for _, handset := range []string{handsetTom, handsetNorthside} {
		for _, text := range s.sim.Handset(handset) {
			if text.From == demoOnDuty {
				t.Errorf("%s sees the phone's own number", handset)
			}
		}
	}
	maya.is("and it is nobody's conversation of its own", `![...document.querySelectorAll('#rows > .row')].some(r => r.innerText.includes('555 0190'))`)
}

package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"porchlight/bridge/email/emailtest"
)

const (
	mailPriya = "priya@example.com"
)

// mailTo waits for the n-th mail to somebody and takes it apart.
func (s *stage) mailTo(to string, n int) emailtest.Letter {
	s.Helper()
	news, cancel := s.post.Subscribe()
	defer cancel()
	limit := time.After(20 * time.Second)
	for {
		var theirs []emailtest.Mail
		for _, m := range s.post.Mails() {
			if m.To == to {
				theirs = append(theirs, m)
			}
		}
		if len(theirs) >= n {
			l, err := theirs[n-1].Read()
			if err != nil {
				s.Fatal(err)
			}
			return l
		}
		select {
		case <-news:
		case <-limit:
			s.Fatalf("%d mails to %s, want %d", len(theirs), to, n)
		}
	}
}

var magic = regexp.MustCompile(`https?://[^\s"]+(/m/[A-Z0-9]+)`)

// linkIn gives the path of the magic link in a text.
func (s *stage) linkIn(text string) string {
	s.Helper()
	m := magic.FindStringSubmatch(text)
	if m == nil {
		s.Fatalf("no link in %q", text)
	}
	return m[1]
}

// enterPortal brings a customer in by the link of a mail that they asked for.
func (p *tab) enterPortal(address string) {
	p.Helper()
	p.visit("/portal/enter")
	p.write("input[name=address]", address)
	p.press("Enter")
	p.until("the same answer for everybody", `document.querySelector('[role=status]')?.textContent.includes('a link is on its way')`)
	p.visit(p.linkIn(p.mailTo(address, 1).Text))
	p.is("a button, and no messages yet", `document.querySelector('main form button').textContent.includes('Open my messages')`)
	p.click("main form button", "Open my messages")
	p.until("the portal", `location.pathname.startsWith('/portal')`)
}

// TestS1_3_4_9_10_ACustomerAndTheTeamMeetInThePortal is the whole way from door to
// door, with two people before two browsers.
func TestS1_3_4_9_10_ACustomerAndTheTeamMeetInThePortal(t *testing.T) {
	s := newStage(t)
	sam, priya := s.person("Sam", desktop), s.person("Priya", mobile)
	sam.visit(fmt.Sprintf("/inbox/c/%d", s.conversation("Priya Raman")))
	priya.enterPortal(mailPriya)
	priya.visit("/portal/messages")
	priya.click(".prow strong", "Brightwater Plumbing")
	priya.until("the conversation", `document.querySelector('.pthread .log .msg')`)

	const question = "Is the side gate a problem? <i>It sticks</i>"
	priya.chooses("gate.jpg", "hinge.jpg")
	priya.until("both photos are up", `document.querySelectorAll('.up[data-file]:not([data-busy])').length === 2`)
	priya.write(".composer textarea", question)
	priya.click(".composer button.send")
	priya.until("the own message, once", bubbles("out", question)+`.length === 1`)
	sam.until("it is in the open inbox", bubbles("in", question)+`.length === 1`)
	sam.until("with both photos", bubbles("in", question)+`[0].querySelectorAll('.atts img').length === 2`)
	sam.is("by the portal", bubbles("in", question)+`[0].querySelector('.by').textContent === 'Portal'`)
	if texts := s.sim.Handset(demoOnDuty); len(texts) != 1 || !strings.Contains(texts[0].Body, "Priya Raman wrote in the portal: "+question) || texts[0].From != demoLine {
		t.Errorf("on duty: %+v", texts)
	}
	priya.until("she sees who read it", bubbles("out", question)+`[0].querySelector('.st').textContent.startsWith('Read by Sam')`)

	const answer = "No, we lift it over. See you at eight."
	sam.reply(answer)
	priya.until("the answer, live", bubbles("in", answer)+`.length === 1`)
	priya.is("from Sam, by first name", bubbles("in", answer)+`[0].dataset.who === 'Sam'`)
	sam.until("the team sees that she read it", bubbles("out", answer)+`.some(m => /Read/.test(m.querySelector('.st').textContent))`)
	if n := s.received(handsetPriya, answer); n != 1 {
		t.Errorf("her handset got the answer %d times", n)
	}

	// A job's conversation is told by mail, and its button leads there.
	sam.visit("/inbox?view=jobs")
	sam.openConversation("Priya Raman")
	const news = "The boiler is in stock. We fit it on Monday."
	sam.reply(news)
	mail := s.mailTo(mailPriya, 2)
	if !strings.Contains(mail.Text, news) || !strings.Contains(mail.Subject, "Boiler replacement") {
		t.Errorf("%s\n%s", mail.Subject, mail.Text)
	}
	priya.visit(s.linkIn(mail.HTML))
	priya.click("main form button", "Open my messages")
	priya.until("the right conversation", `document.querySelector('h1').textContent === 'Boiler replacement' && `+bubbles("in", news)+`.length === 1`)
}

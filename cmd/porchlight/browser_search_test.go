package main

import "testing"

// TestS3_33_34_AMessageIsFoundAndOpensWhereItStands looks for an old message, opens it
// among what stood around it, hears of a new text there, and goes back to now.
func TestS3_33_34_AMessageIsFoundAndOpensWhereItStands(t *testing.T) {
	s := newStage(t)
	sam := s.person("Sam", desktop)
	sam.visit("/inbox")
	stayed := sam.stayed()
	sam.press("/")
	sam.is("the cursor stands in the search field", `document.activeElement.id === 'q'`)
	sam.write("#q", "boil")
	sam.press("Enter")
	sam.until("messages are found by the beginning of a word, and marked", `document.querySelectorAll('.hit mark').length > 9 && document.querySelector('.hit mark').textContent === 'boiler'`)
	sam.write("#q", "boiler nowhere")
	sam.until("what is typed is looked for at once", `document.querySelector('#found .empty') && location.search.includes('nowhere')`)
	shows[int](sam, `(document.querySelector('#q').value = '', 1)`)
	sam.write("#q", "boiler")
	sam.until("and found again", `document.querySelectorAll('.hit').length > 9`)
	shows[int](sam, `(document.querySelectorAll('.hit > a')[9].click(), 1)`)
	sam.until("it opens at the message, in the middle of the log", `(m => { const l = document.querySelector('.log'); if (!m || !l) return false; const a = m.getBoundingClientRect(), b = l.getBoundingClientRect(); return a.top > b.top && a.bottom < b.bottom })(document.querySelector('.msg.at'))`)
	sam.is("history goes both ways", `!!document.querySelector('.later') && document.querySelectorAll('.log .msg').length >= 40`)
	const text = "Are you still coming?"
	s.texts(handsetPriya, text)
	sam.until("what arrives is counted", `(b => !b.hidden && b.textContent.includes('1 new'))(document.querySelector('.jump'))`)
	sam.is("and does not stand in the past", bubbles("in", text)+`.length === 0`)
	sam.click(".jump")
	sam.until("one click leads back to now", bubbles("in", text)+`.length === 1 && !document.querySelector('.later')`)
	sam.is("the results are still there", `document.querySelectorAll('.hit').length > 9`)
	sam.is("the page was never loaded anew", stayed)
}

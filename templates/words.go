package templates

import "fmt"

// Words is a language that pages for people outside the team speak, such as "es".
// The English text is the key, so that a page reads like a page.
type Words string

// T gives a text in the language; what it does not have stays English.
func (w Words) T(text string, args ...any) string {
	if there, ok := spanish[text]; ok && w == "es" {
		text = there
	}
	if len(args) > 0 {
		return fmt.Sprintf(text, args...)
	}
	return text
}

// Lang is the language for the page's lang attribute.
func (w Words) Lang() string {
	if w == "" {
		return "en"
	}
	return string(w)
}

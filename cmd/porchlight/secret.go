package main

import (
	"fmt"
	"io"
	"log/slog"
)

const hidden = "[hidden]"

// A Secret is a value that must not reach a log, a page or a terminal. Every
// way of printing it gives [hidden]. It holds a pointer because fmt calls no
// methods on unexported fields: there it prints an address, never the text.
type Secret struct{ text *string }

func newSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal gives the text itself, empty when the secret was not set.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Set reports whether there is a text.
func (s Secret) Set() bool { return s.text != nil }

// Format covers every verb, so that %x and %#v hide it too.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

func (s Secret) String() string {
	if s.text == nil {
		return ""
	}
	return hidden
}

func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText serves encoding/json and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

package main

import (
	"fmt"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/receptionist"
	"porchlight/webhooks"
)

// botLine stands, among the lines, for the AI receptionist's webhook.
const botLine = "receptionist"

// newReceptionists makes those that the configuration has: who may hand over, and the
// one that is told of texts, nil where there is none.
func newReceptionists(cfg ReceptionistConfig) (providers map[string]receptionist.Provider, hook *receptionist.Hook, err error) {
	providers = map[string]receptionist.Provider{}
	add := func(path string, secret Secret, decode func([]byte) (bridge.Handoff, bool, error), verifier func(string) (receptionist.Verifier, error)) {
		if !secret.Set() || err != nil {
			return
		}
		var verify receptionist.Verifier
		verify, err = verifier(secret.Reveal())
		providers[path] = receptionist.Provider{Name: path, Verify: verify, Decode: decode}
	}
	plain := func(of func(string) receptionist.Verifier) func(string) (receptionist.Verifier, error) {
		return func(s string) (receptionist.Verifier, error) { return of(s), nil }
	}
	add(webhooks.NeutralPath, cfg.Secret, receptionist.DecodeNeutral, func(s string) (receptionist.Verifier, error) {
		key, err := receptionist.DecodeSecret(s)
		if err != nil {
			return nil, err
		}
		return receptionist.Standard(key)
	})
	add(webhooks.VapiPath, cfg.VapiSecret, receptionist.DecodeVapi, receptionist.Vapi)
	add(webhooks.RetellPath, cfg.RetellKey, receptionist.DecodeRetell, plain(receptionist.Retell))
	add(webhooks.ElevenLabsPath, cfg.ElevenLabsSecret, receptionist.DecodeElevenLabs, plain(receptionist.ElevenLabs))
	if err != nil || cfg.BotURL == "" {
		return providers, nil, err
	}
	key, err := receptionist.DecodeSecret(cfg.BotSecret.Reveal())
	if err != nil {
		return nil, nil, fmt.Errorf("receptionist.bot_secret: %w", err)
	}
	hook, err = receptionist.NewHook(cfg.BotURL, key, time.Now)
	return providers, hook, err
}

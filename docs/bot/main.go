// The smallest AI receptionist for texts: all of the protocol, and nothing clever. It asks two questions, then
// hands over, or as soon as they want a person. BOT_SECRET=whsec_... LISTEN=127.0.0.1:9090 go run ./docs/bot
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

type told struct {
	Token      string
	ReplyURL   string `json:"reply_url"`
	HandoffURL string `json:"handoff_url"`
	Message    struct{ Body string }
	History    []struct{ From string }
}

func main() {
	secret, err := webhooks.NewWebhook(os.Getenv("BOT_SECRET"))
	if err != nil || os.Getenv("BOT_SECRET") == "" {
		log.Fatal("BOT_SECRET is not what receptionist.bot_secret says: ", err)
	}
	http.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // of half a body the signature is wrong
		var in struct{ Data told }
		if secret.Verify(body, r.Header) != nil || json.Unmarshal(body, &in) != nil {
			http.Error(w, "Porchlight did not sign this", http.StatusUnauthorized)
		} else if in.Data.Message.Body != "" && !answer(in.Data, r.Header.Get("webhook-id")) {
			http.Error(w, "Tell me again", http.StatusServiceUnavailable) // it will, under the same id
		}
	})
	log.Fatal(http.ListenAndServe(cmp.Or(os.Getenv("LISTEN"), "127.0.0.1:9090"), nil))
}

func answer(in told, id string) (done bool) {
	asked := 0
	for _, m := range in.History { // since one of the team wrote
		asked = map[string]int{"receptionist": asked + 1, "contact": asked}[m.From]
	}
	url, say := in.ReplyURL, map[string]string{"body": [2]string{"What is the matter?", "Where is it?"}[asked%2]}
	if asked >= 2 || strings.Contains(strings.ToLower(in.Message.Body), "person") {
		url, say = in.HandoffURL, map[string]string{"summary": "In the end they wrote: " + in.Message.Body}
	}
	body, _ := json.Marshal(say)
	r, _ := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	r.Header = http.Header{"Authorization": {"Bearer " + in.Token}, "Content-Type": {"application/json"}, "Idempotency-Key": {id}}
	res, err := http.DefaultClient.Do(r)
	return err == nil && res.Body.Close() == nil && res.StatusCode < 500 // 409: a person has it, and we say no more
}

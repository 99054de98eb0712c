package portal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/templates"
)

// A customer who is signed in to the CRM's own portal comes into ours by a link that
// the CRM signs: a JSON Web Token (RFC 7519) with HS256, whose sub is the contact's
// external id and whose exp is at most five minutes ahead.

// ssoTime is how far ahead a token may end, and how far clocks may differ.
const (
	ssoTime = 5 * time.Minute
	ssoSkew = time.Minute
)

var errSSO = &bridge.Denied{Code: "link_over", Sentence: "This link does not work any more", Fix: "Go back and open it again"}

// readSSO verifies a token and gives the contact's external id. It takes HS256 and no
// other algorithm, whatever the token says of itself.
func readSSO(secret, token string, now time.Time) (external string, end time.Time, err error) {
	parts := strings.Split(token, ".")
	if secret == "" || len(parts) != 3 || len(token) > 4096 {
		return "", end, errSSO
	}
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(parts[0] + "." + parts[1]))
	given, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(given, m.Sum(nil)) {
		return "", end, errSSO
	}
	var head struct {
		Alg string `json:"alg"`
	}
	var claims struct {
		Sub string `json:"sub"`
		Exp int64  `json:"exp"`
	}
	if !decode(parts[0], &head) || head.Alg != "HS256" || !decode(parts[1], &claims) || claims.Sub == "" {
		return "", end, errSSO
	}
	end = time.Unix(claims.Exp, 0)
	if now.After(end.Add(ssoSkew)) || end.After(now.Add(ssoTime+ssoSkew)) {
		return "", end, errSSO
	}
	return claims.Sub, end, nil
}

func decode(part string, into any) bool {
	b, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(b, into) == nil
}

// ssoPage changes nothing; its form goes by itself where scripts run.
func (p *Portal) ssoPage(c *gin.Context, _ bridge.Contact) error {
	token := c.Query("token")
	if _, _, err := readSSO(p.SSOSecret, token, p.Now()); err != nil {
		return err
	}
	return page(p, c, http.StatusOK, "p-enter", func(tx *data.Tx) (v templates.PortalEnter, err error) {
		v.PortalShell, err = p.shell(c, tx, bridge.Contact{}, "Your messages", "")
		v.Action, v.Auto = "/portal/sso?token="+token, true
		return v, err
	})
}

func (p *Portal) sso(c *gin.Context, _ bridge.Contact) error {
	if !p.Allow(c, "portal link", enterTries) {
		return tooMany(c)
	}
	token := c.Query("token")
	external, end, err := readSSO(p.SSOSecret, token, p.Now())
	if err != nil {
		return err
	}
	v, secret, mark := p.visit(c)
	v.Once, v.Until = bridge.HashSecret(token), end.Add(ssoSkew)
	if _, err := p.in.EnterTrusted(c.Request.Context(), external, v); err != nil {
		if who, _, ours := p.session(c); ours == nil && who.External == external {
			c.Redirect(http.StatusSeeOther, "/portal") // pressed twice
			return nil
		}
		return err
	}
	p.letIn(c, secret, mark)
	c.Redirect(http.StatusSeeOther, "/portal")
	return nil
}

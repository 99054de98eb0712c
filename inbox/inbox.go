// Package inbox is the HTTP rim: it mounts the carriers' webhooks, the team's
// inbox and the API on one engine.
package inbox

import (
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/gin-gonic/gin"

	"porchlight/inbox/api"
	"porchlight/inbox/portal"
	"porchlight/inbox/staff"
	"porchlight/inbox/web"
	"porchlight/webhooks"
)

// Options are the parts that are mounted.
type Options struct {
	Web      *web.Web
	Staff    *staff.Inbox
	Portal   *portal.Portal
	API      *api.API
	Webhooks *webhooks.Twilio
	// Receptionist takes handoffs.
	Receptionist *webhooks.Receptionist
	// Extra mounts more pages behind signing in, such as the demo's simulator.
	Extra func(*gin.Engine, *web.Web)
	// Probes mounts health checks and metrics.
	Probes func(gin.IRouter)
}

// Handler puts everything on one engine, behind protection from forms of other
// sites. Webhooks are exempt: they have a signature, and no cookie.
func Handler(o Options) (http.Handler, error) {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	// A redirect would lose a carrier's POST, and a trailing slash is another page.
	r.RedirectTrailingSlash = false
	r.ContextWithFallback = true
	if err := r.SetTrustedProxies(nil); err != nil {
		return nil, err
	}
	r.Use(gin.CustomRecoveryWithWriter(nil, recovered), web.Headers)
	if o.Probes != nil {
		o.Probes(r)
	}
	o.Webhooks.Mount(r)
	if o.Receptionist != nil {
		o.Receptionist.Mount(r)
	}
	r.GET("/assets/*path", gin.WrapH(o.Web.Set.Assets()))
	r.HEAD("/assets/*path", gin.WrapH(o.Web.Set.Assets()))
	r.GET("/media/:token", o.Web.Media)
	r.HEAD("/media/:token", o.Web.Media)
	r.Use(web.Bounded) // the webhooks above have a bound of their own
	o.Web.Doors(r)
	o.Staff.Mount(r)
	o.Portal.Mount(r)
	o.API.Mount(r)
	if o.Extra != nil {
		o.Extra(r, o.Web)
	}
	r.NoRoute(o.Web.NotFound)

	guard := http.NewCrossOriginProtection()
	guard.AddInsecureBypassPattern("/webhooks/")
	guard.AddInsecureBypassPattern("/api/v1/")
	guard.AddInsecureBypassPattern("/u/") // mail programs post there for people; it needs no cookie
	return guard.Handler(r), nil
}

func recovered(c *gin.Context, p any) {
	slog.Error("handler panicked", "path", c.FullPath(), "panic", p, "stack", string(debug.Stack()))
	c.AbortWithStatus(http.StatusInternalServerError)
}

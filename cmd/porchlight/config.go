package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/email"
)

// A Config is everything that can be set from outside. The file gives it, the
// environment overrides the file, and defaults fill the rest. It is made by
// LoadConfig and does not change afterwards.
type Config struct {
	Server   ServerConfig
	Business BusinessConfig
	Storage  StorageConfig
	S3       S3Config
	Twilio   TwilioConfig
	Email    EmailConfig
	// Lines are the numbers that the business rents; their ids are not set.
	Lines []bridge.Line
	// OnDuty are the staff phones that take turns; none of them is a line.
	OnDuty  []bridge.Phone
	Log     LogConfig
	Session SessionConfig
	Outbox  OutboxConfig
	Portal  PortalConfig
	// Receptionist is how AI receptionists reach us, and we them.
	Receptionist ReceptionistConfig

	file    string
	origins map[string]origin // of sections, lists and keys
	given   map[string]bool   // right or wrong, but not empty
}

// ServerConfig says where Porchlight listens and how the world reaches it.
type ServerConfig struct {
	Listen string // host:port
	// PublicURL is scheme and host without a final slash, as Twilio signs it.
	// Empty when not set.
	PublicURL string
}

// BusinessConfig says who the customers think they are texting.
type BusinessConfig struct {
	Name     string
	TimeZone *time.Location
	// Region is the ISO country in which people write numbers without a code.
	Region string
	// Phone and Address stand at the foot of mails; both may be empty.
	Phone   bridge.Phone
	Address string
	// Color is #rrggbb, of the buttons in mails.
	Color string
}

// EmailConfig is the mail server that carries mails. Without a Host there are none.
type EmailConfig struct {
	From     string // the address of the mailbox
	Host     string
	Port     int // 0 is the usual one of TLS
	TLS      email.Security
	Username string
	Password Secret
	// The key that mails are signed with, where the mail server does not do it.
	DKIMDomain, DKIMSelector string
	DKIMKey                  Secret
}

// StorageConfig says where messages are kept.
type StorageConfig struct {
	// Path is the folder of the SQLite database and of blobs.
	Path string
	// Postgres is a URL. When set, messages are there and Path holds blobs only.
	Postgres Secret
}

// S3Config is the S3-compatible storage for files. Without an endpoint they are in
// the folder of StorageConfig.
type S3Config struct {
	Endpoint  string // scheme and host, without a final slash
	Bucket    string
	Region    string
	Prefix    string // before each key
	AccessKey string
	SecretKey Secret
	PathStyle bool // the bucket stands in the path and not in the host name
}

// TwilioConfig is the account that carries texts.
type TwilioConfig struct {
	AccountSID string
	AuthToken  Secret
	// AuthTokenPrevious is accepted on webhooks too, while a token is rotated.
	AuthTokenPrevious Secret
	// APIKeySID and APIKeySecret, if set, are used for sending instead of the
	// auth token. Webhooks are signed with the auth token all the same.
	APIKeySID    string
	APIKeySecret Secret
	BaseURL      string // without a final slash
	// MessagingServiceSID, if set, is accepted as the receiver of webhooks.
	MessagingServiceSID string
	// Pace is the default of a line, in message segments a second; 0 is no limit.
	Pace float64
}

// Tokens lists what may have signed a webhook, the current token first. It is
// empty when no token is set.
func (t TwilioConfig) Tokens() []string {
	var tokens []string
	for _, s := range []Secret{t.AuthToken, t.AuthTokenPrevious} {
		if s.Set() {
			tokens = append(tokens, s.Reveal())
		}
	}
	return tokens
}

// SessionConfig says how long a login lasts.
type SessionConfig struct{ Days int }

// OutboxConfig bounds sending.
type OutboxConfig struct {
	KeepTrying time.Duration // after which a text that never left expires
	Timeout    time.Duration // of one request to the carrier
}

// PortalConfig is the customers' side.
type PortalConfig struct {
	// SSOSecret signs the links by which another portal of the business lets its own
	// customers in; empty: there is none.
	SSOSecret Secret
	// Embed lists the origins whose pages may show the portal's widget.
	Embed []string
	// MailWait is how long a mail waits for further messages.
	MailWait time.Duration
}

// ReceptionistConfig is how AI receptionists reach us, and we them. Without a secret
// nobody can hand over that way.
type ReceptionistConfig struct {
	Name string // what the team and customers read
	// Secret signs handoffs in the neutral format, as Standard Webhooks has it; the
	// others are those of the receptionists that have their own.
	Secret, VapiSecret, RetellKey, ElevenLabsSecret Secret
	// BotURL is told of texts, signed with BotSecret; empty: no receptionist for texts.
	BotURL    string
	BotSecret Secret
}

func defaultConfig() Config {
	return Config{
		Server:   ServerConfig{Listen: "127.0.0.1:8080"},
		Business: BusinessConfig{Name: "Porchlight", TimeZone: time.Local, Region: "US"},
		Storage:  StorageConfig{Path: "var"},
		S3:       S3Config{Region: "us-east-1"},
		Twilio:   TwilioConfig{BaseURL: "https://api.twilio.com", Pace: 1},
		Email:    EmailConfig{TLS: email.StartTLS},
		Log:      LogConfig{Format: "text"},
		Session:  SessionConfig{Days: 30},
		Outbox:   OutboxConfig{KeepTrying: bridge.KeepTrying, Timeout: 10 * time.Second},
		Portal:   PortalConfig{MailWait: time.Minute},

		Receptionist: ReceptionistConfig{Name: "AI receptionist"},
	}
}

// A setting binds one key of the file to its place in the Config. Its read
// refuses a text with a sentence that says what to write instead, and never
// repeats the text of a secret.
type setting struct {
	key    string
	secret bool // the key ending in _file names a file that holds it
	// switches: it is true or false.
	switches bool
	read     func(text string) error
}

func (c *Config) settings() []setting {
	return []setting{
		{key: "server.listen", read: parsed(&c.Server.Listen, parseListen)},
		{key: "server.public_url", read: parsed(&c.Server.PublicURL, parsePublicURL)},
		{key: "business.name", read: parsed(&c.Business.Name, parseName)},
		{key: "business.time_zone", read: parsed(&c.Business.TimeZone, parseTimeZone)},
		{key: "business.region", read: parsed(&c.Business.Region, parseRegion)},
		{key: "business.phone", read: parsed(&c.Business.Phone, parsePhone)},
		{key: "business.address", read: parsed(&c.Business.Address, parseName)},
		{key: "business.color", read: parsed(&c.Business.Color, parseColor)},
		{key: "storage.path", read: parsed(&c.Storage.Path, parsePath)},
		{key: "storage.postgres", read: parsed(&c.Storage.Postgres, parsePostgres), secret: true},
		{key: "s3.endpoint", read: parsed(&c.S3.Endpoint, parseBaseURL)},
		{key: "s3.bucket", read: parsed(&c.S3.Bucket, parseWord)},
		{key: "s3.region", read: parsed(&c.S3.Region, parseWord)},
		{key: "s3.prefix", read: parsed(&c.S3.Prefix, parseWord)},
		{key: "s3.access_key", read: parsed(&c.S3.AccessKey, parseWord)},
		{key: "s3.secret_key", read: parsed(&c.S3.SecretKey, parseSecret), secret: true},
		{key: "s3.path_style", read: parsed(&c.S3.PathStyle, parseYes), switches: true},
		{key: "twilio.account_sid", read: parsed(&c.Twilio.AccountSID, sid("AC"))},
		{key: "twilio.auth_token", read: parsed(&c.Twilio.AuthToken, parseSecret), secret: true},
		{key: "twilio.auth_token_previous", read: parsed(&c.Twilio.AuthTokenPrevious, parseSecret), secret: true},
		{key: "twilio.api_key_sid", read: parsed(&c.Twilio.APIKeySID, sid("SK"))},
		{key: "twilio.api_key_secret", read: parsed(&c.Twilio.APIKeySecret, parseSecret), secret: true},
		{key: "twilio.base_url", read: parsed(&c.Twilio.BaseURL, parseBaseURL)},
		{key: "twilio.messaging_service_sid", read: parsed(&c.Twilio.MessagingServiceSID, sid("MG"))},
		{key: "twilio.pace", read: parsed(&c.Twilio.Pace, parsePace)},
		{key: "email.from", read: parsed(&c.Email.From, parseMailbox)},
		{key: "email.host", read: parsed(&c.Email.Host, parseHost)},
		{key: "email.port", read: parsed(&c.Email.Port, parsePort)},
		{key: "email.tls", read: parsed(&c.Email.TLS, parseSecurity)},
		{key: "email.username", read: parsed(&c.Email.Username, parseName)},
		{key: "email.password", read: parsed(&c.Email.Password, parsePassword), secret: true},
		{key: "email.dkim_domain", read: parsed(&c.Email.DKIMDomain, parseHost)},
		{key: "email.dkim_selector", read: parsed(&c.Email.DKIMSelector, parseSelector)},
		{key: "email.dkim_key", read: parsed(&c.Email.DKIMKey, parsePEM), secret: true},
		{key: "log.level", read: parsed(&c.Log.Level, parseLevel)},
		{key: "log.format", read: parsed(&c.Log.Format, oneOf("text", "json"))},
		{key: "session.days", read: parsed(&c.Session.Days, parseDays)},
		{key: "outbox.keep_trying", read: parsed(&c.Outbox.KeepTrying, between(time.Minute, 72*time.Hour))},
		{key: "portal.sso_secret", read: parsed(&c.Portal.SSOSecret, parseSecret), secret: true},
		{key: "portal.embed", read: parsed(&c.Portal.Embed, parseOrigins)},
		{key: "portal.mail_wait", read: parsed(&c.Portal.MailWait, between(time.Second, time.Hour))},
		{key: "receptionist.name", read: parsed(&c.Receptionist.Name, parseName)},
		{key: "receptionist.secret", read: parsed(&c.Receptionist.Secret, parseSigningSecret), secret: true},
		{key: "receptionist.vapi_secret", read: parsed(&c.Receptionist.VapiSecret, parseSecret), secret: true},
		{key: "receptionist.retell_key", read: parsed(&c.Receptionist.RetellKey, parseSecret), secret: true},
		{key: "receptionist.elevenlabs_secret", read: parsed(&c.Receptionist.ElevenLabsSecret, parseSecret), secret: true},
		{key: "receptionist.bot_url", read: parsed(&c.Receptionist.BotURL, parseBotURL)},
		{key: "receptionist.bot_secret", read: parsed(&c.Receptionist.BotSecret, parseSigningSecret), secret: true},
		{key: "outbox.timeout", read: parsed(&c.Outbox.Timeout, between(time.Second, time.Minute))},
	}
}

// The keys that hold lists, and those of one line.
const (
	linesKey  = "lines"
	onDutyKey = "on_duty"
)

func lineKeys() []string { return []string{"number", "name", "pace"} }

// keys lists every key that may stand in a section, secrets also as _file.
func (c *Config) keys() []string {
	var keys []string
	for _, s := range c.settings() {
		keys = append(keys, s.key)
		if s.secret {
			keys = append(keys, s.key+"_file")
		}
	}
	return keys
}

// maxConfig is far above any honest file, in bytes; it stops a wrong path such
// as a database from being read whole.
const maxConfig = 1 << 20

// LoadConfig reads the file at path (none if empty) and the environment in the
// form of os.Environ. It gives every problem at once; the Config is of use only
// when there is none.
func LoadConfig(path string, environ []string) (Config, Problems) {
	if path == "" {
		return parseConfig("", nil, environ)
	}
	text, err := readFile(path)
	if err != nil {
		return Config{}, Problems{{File: path, Problem: err.Error()}}
	}
	return parseConfig(path, text, environ)
}

func parseConfig(path string, text []byte, environ []string) (Config, Problems) {
	c := defaultConfig()
	c.file = path
	l := loader{config: &c, values: map[string]value{}, sections: map[string]origin{}}
	l.readYAML(path, text)
	l.readEnvironment(environ)
	l.apply()
	c.origins, c.given = l.told()
	return c, l.problems.sorted()
}

// readFile gives errors as a sentence without the path, which the caller says.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fileProblem(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxConfig+1))
	switch {
	case err != nil:
		return nil, fileProblem(err)
	case len(text) > maxConfig:
		return nil, errors.New("is over 1 MiB, so it is not what it should be; check the name")
	}
	return text, nil
}

func fileProblem(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("there is no such file")
	}
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return fmt.Errorf("cannot be read: %w", err)
}

// An origin is where a value was given: a line of the file, or a variable of
// the environment (line 0).
type origin struct {
	file string
	line int
	key  string
}

type value struct {
	text string
	bad  bool // it was refused already; nothing more is to be said of it
	origin
}

func (v value) given() bool { return v.text != "" || v.bad }

// A loader collects what was given, and where, before any of it is believed.
type loader struct {
	config   *Config
	values   map[string]value
	sections map[string]origin
	lines    int // of the list "lines"
	onDuty   int
	problems Problems
}

func (l *loader) add(at origin, format string, args ...any) {
	l.problems = append(l.problems, Problem{File: at.file, Line: at.line, Key: at.key, Problem: fmt.Sprintf(format, args...)})
}

// environment is the File of a problem that has none.
const environment = "environment"

const envPrefix = "PORCHLIGHT_"

// envName is the variable that overrides a key: PORCHLIGHT_TWILIO_AUTH_TOKEN.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// readEnvironment takes what overrides the file. An empty variable counts as
// not set, because container tools pass empty ones for what nobody gave. An
// unknown name is a problem only below a known section: others may belong to
// the machinery around us (Kubernetes sets PORCHLIGHT_PORT by itself).
func (l *loader) readEnvironment(environ []string) {
	known := map[string]string{}
	sections := map[string]bool{}
	for _, key := range l.config.keys() {
		known[envName(key)] = key
		section, _, _ := strings.Cut(key, ".")
		sections[section] = true
	}
	given := map[string]value{}
	for _, pair := range environ {
		name, text, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, envPrefix) || text == "" {
			continue
		}
		at := origin{file: environment, key: name}
		section, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(name, envPrefix)), "_")
		switch key, ok := known[name]; {
		case ok:
			given[key] = value{text: text, origin: at}
		case name == envName(linesKey):
			l.lines = l.replaceList(linesKey, ".number", value{text: text, origin: at})
		case name == envName(onDutyKey):
			l.onDuty = l.replaceList(onDutyKey, "", value{text: text, origin: at})
		case sections[section]:
			l.add(at, "is not a setting%s", didYouMean(name, slices.Collect(maps.Keys(known))))
		}
	}
	l.override(given)
}

// override puts the environment over the file. A secret and its _file are one
// setting, so either replaces both.
func (l *loader) override(given map[string]value) {
	for key := range given {
		base := strings.TrimSuffix(key, "_file")
		delete(l.values, base)
		delete(l.values, base+"_file")
	}
	for key, v := range given {
		l.values[key] = v
	}
}

// replaceList takes a comma separated list in place of the file's.
func (l *loader) replaceList(list, field string, v value) int {
	for key := range l.values {
		if strings.HasPrefix(key, list+"[") {
			delete(l.values, key)
		}
	}
	n := 0
	for text := range strings.SplitSeq(v.text, ",") {
		l.values[fmt.Sprintf("%s[%d]%s", list, n, field)] = value{text: text, origin: v.origin}
		n++
	}
	return n
}

// apply believes the values, or says why not.
func (l *loader) apply() {
	for _, s := range l.config.settings() {
		if s.secret {
			l.values[s.key] = l.secret(s.key)
		}
		l.read(s.key, s.read)
	}
	l.applyLines()
	l.applyOnDuty()
	for _, need := range together() {
		has, lacks := l.values[need.key], l.values[need.needs]
		if has.given() && !lacks.given() {
			l.add(has.origin, "needs %s beside it%s", need.needs, need.why)
		}
	}
}

// together are the keys of which one is of no use without the other.
func together() []struct{ key, needs, why string } {
	return []struct{ key, needs, why string }{
		{"twilio.api_key_sid", "twilio.api_key_secret", "; Twilio shows it once, when the key is made"},
		{"twilio.api_key_secret", "twilio.api_key_sid", ", which starts with SK"},
		{"receptionist.bot_url", "receptionist.bot_secret", ", which signs what the receptionist is told; make one: openssl rand -base64 32"},
		{"receptionist.bot_secret", "receptionist.bot_url", ", where the receptionist is told of texts"},
		{"email.host", "email.from", ", the address that mails come from, such as office@example.com"},
		{"email.from", "email.host", ", the mail server that carries them, such as smtp.example.com"},
		{"email.username", "email.password", "; many mail servers want an app password here"},
		{"email.password", "email.username", ", mostly the mailbox's address"},
		{"email.dkim_domain", "email.dkim_key", ", the private key in PEM"},
		{"email.dkim_selector", "email.dkim_domain", ", such as example.com"},
		{"email.dkim_key", "email.dkim_selector", ", the key's name in DNS"},
	}
}

// read gives the value of key, if there is one, to the reader of its setting.
func (l *loader) read(key string, read func(string) error) {
	v := l.values[key]
	if v.text == "" || v.bad {
		return
	}
	if err := read(v.text); err != nil {
		l.add(v.origin, "%s", err)
	}
}

// secret gives the value of key, or the content of the file that key_file
// names. A relative name starts at the working folder, like storage.path.
func (l *loader) secret(key string) value {
	direct, fromFile := l.values[key], l.values[key+"_file"]
	if fromFile.text == "" {
		return direct
	}
	bad := value{origin: fromFile.origin, bad: true}
	if direct.given() {
		l.add(fromFile.origin, "%s is given too; keep one of the two", key)
		return bad
	}
	text, err := readFile(fromFile.text)
	if err != nil {
		l.add(fromFile.origin, "%s: %s", fromFile.text, err)
		return bad
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		l.add(fromFile.origin, "%s is empty; put the secret into it", fromFile.text)
		return bad
	}
	return value{text: secret, origin: fromFile.origin}
}

func (l *loader) applyLines() {
	for i := range l.lines {
		prefix := fmt.Sprintf("%s[%d].", linesKey, i)
		number := l.values[prefix+"number"]
		line := bridge.Line{Name: "Main", Pace: l.config.Twilio.Pace}
		if number.bad {
			continue
		}
		if err := parsed(&line.Phone, parsePhone)(number.text); err != nil {
			l.add(number.origin, "%s", err)
			continue
		}
		if i > 0 {
			line.Name = line.Phone.Pretty()
		}
		l.read(prefix+"name", parsed(&line.Name, parseName))
		l.read(prefix+"pace", parsed(&line.Pace, parsePace))
		if l.config.hasLine(line.Phone) {
			l.add(number.origin, "%s is listed twice; keep one", line.Phone)
		}
		l.config.Lines = append(l.config.Lines, line)
	}
}

func (l *loader) applyOnDuty() {
	for i := range l.onDuty {
		v := l.values[fmt.Sprintf("%s[%d]", onDutyKey, i)]
		if v.bad {
			continue
		}
		var phone bridge.Phone
		if err := parsed(&phone, parsePhone)(v.text); err != nil {
			l.add(v.origin, "%s", err)
			continue
		}
		if slices.Contains(l.config.OnDuty, phone) {
			l.add(v.origin, "%s is listed twice; keep one", phone)
		}
		if l.config.hasLine(phone) {
			l.add(v.origin, "%s is one of the lines, and a line cannot text itself; give the person's own phone", phone)
		}
		l.config.OnDuty = append(l.config.OnDuty, phone)
	}
}

func (c *Config) hasLine(phone bridge.Phone) bool {
	return slices.ContainsFunc(c.Lines, func(line bridge.Line) bool { return line.Phone == phone })
}

// told gives where things were written, and which keys were given at all.
func (l *loader) told() (map[string]origin, map[string]bool) {
	origins, given := maps.Clone(l.sections), map[string]bool{linesKey: l.lines > 0}
	for key, v := range l.values {
		given[key] = v.given()
		if v.given() {
			origins[key] = v.origin
		}
	}
	return origins, given
}

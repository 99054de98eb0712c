package templates

import "fmt"

// Words is a language that pages for people outside the team speak, such as "es";
// empty is English.
type Words string

// T gives an English text of the portal in the language.
func (w Words) T(english string, args ...any) string {
	if there, ok := spanishPortal[english]; ok && w == "es" {
		english = there
	}
	return say("", english, args...)
}

// Lang is the language for the page's lang attribute.
func (w Words) Lang() string {
	if w == "" {
		return "en"
	}
	return string(w)
}

// say gives an English text of a mail in another language. The English text itself is the
// key, so that a template can be read, and what has no translation is still said.
func say(lang, english string, args ...any) string {
	if lang == "es" {
		if s, ok := spanish[english]; ok {
			english = s
		}
	}
	if len(args) == 0 {
		return english
	}
	return fmt.Sprintf(english, args...)
}

// spanish is never written to. A test finds what is missing in it.
var spanish = map[string]string{
	"%s at %s":  "%s de %s",
	"%s via %s": "%s a través de %s",
	"Hello,":    "Hola:",
	"Hello %s,": "Hola, %s:",
	"automatic": "automático",
	"1 photo":   "1 foto",
	"%d photos": "%d fotos",
	"1 file":    "1 archivo",
	"%d files":  "%d archivos",

	"New message from %s": "Nuevo mensaje de %s",
	"new message":         "nuevo mensaje",
	"Urgent: %s":          "Urgente: %s",
	"This is urgent.":     "Esto es urgente.",
	"Read and answer":     "Leer y responder",
	"Open in the inbox":   "Abrir en la bandeja de entrada",
	"Open your messages":  "Abrir sus mensajes",
	"Open Porchlight":     "Abrir Porchlight",

	"There are earlier messages, too.":            "También hay mensajes anteriores.",
	"The whole message is behind the button.":     "El mensaje completo está detrás del botón.",
	"The whole message is behind the link.":       "El mensaje completo está detrás del enlace.",
	"Is it urgent? Call %s.":                      "¿Es urgente? Llame al %s.",
	"Choose how you are told":                     "Elegir cómo recibe avisos",
	"Unsubscribe":                                 "Darse de baja",
	"Here is your way to your messages with %s.":  "Este es el enlace a sus mensajes con %s.",
	"Your link to your messages with %s":          "Su enlace a sus mensajes con %s",
	"Your code for %s":                            "Su código para %s",
	"This is the code for your messages with %s:": "Este es el código para sus mensajes con %s:",
	"Type it into the page that asks for it.":     "Escríbalo en la página que se lo pide.",
	"A test email from %s":                        "Un correo de prueba de %s",

	"Please answer there: answers are read in the portal, not by email.":                                    "Por favor, responda allí: las respuestas se leen en el portal, no por correo.",
	"This is your private link until %s. Please do not forward it.":                                         "Este es su enlace privado hasta el %s. Por favor, no lo reenvíe.",
	"If you did not ask for it, you need not do anything.":                                                  "Si no lo ha pedido, no tiene que hacer nada.",
	"Tell it to nobody: %s will never ask you for it. If you did not ask for it, you need not do anything.": "No se lo diga a nadie: %s nunca se lo pedirá. Si no lo ha pedido, no tiene que hacer nada.",
	"This is a test. You can read it, so the emails of %s arrive.":                                          "Esto es una prueba. Si puede leerla, los correos de %s llegan.",
	"You get this email because you have a conversation with %s.":                                           "Recibe este correo porque tiene una conversación con %s.",
	"You get this email because you are in the team of %s.":                                                 "Recibe este correo porque forma parte del equipo de %s.",
	"You get this email because somebody asked for it with your address.":                                   "Recibe este correo porque alguien lo pidió con su dirección.",
	"You get this email because somebody of the team tried the settings with your address.":                 "Recibe este correo porque alguien del equipo probó la configuración con su dirección.",

	"Mon": "lun", "Tue": "mar", "Wed": "mié", "Thu": "jue", "Fri": "vie", "Sat": "sáb", "Sun": "dom",
	"Jan": "ene", "Feb": "feb", "Mar": "mar", "Apr": "abr", "May": "may", "Jun": "jun",
	"Jul": "jul", "Aug": "ago", "Sep": "sep", "Oct": "oct", "Nov": "nov", "Dec": "dic",
}

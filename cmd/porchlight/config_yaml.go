package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// The file is walked as a syntax tree and not decoded into a struct: a decoder
// stops at the first problem, and an owner who mends five mistakes should not
// have to start the program five times.

// readYAML collects the values of a file and where they stand.
func (l *loader) readYAML(file string, text []byte) {
	parsed, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		at, problem := origin{file: file, line: 1}, "is not YAML"
		if e := yaml.Error(nil); errors.As(err, &e) {
			// The error's own text quotes the lines around it, secrets included.
			problem += ": " + e.GetMessage()
			if token := e.GetToken(); token != nil && token.Position != nil {
				at.line = token.Position.Line
			}
		}
		l.add(at, "%s", problem)
		return
	}
	var bodies []ast.Node
	for _, doc := range parsed.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) > 1 {
		l.add(at(file, bodies[1], ""), "is a second document; keep one, without --- between")
	}
	if len(bodies) == 0 {
		return
	}
	sections := []string{linesKey, onDutyKey}
	for _, key := range l.config.keys() {
		if section, _, _ := strings.Cut(key, "."); !slices.Contains(sections, section) {
			sections = append(sections, section)
		}
	}
	for section, node := range l.mapping(file, bodies[0], "", sections) {
		switch section {
		case linesKey:
			l.readLines(file, node)
		case onDutyKey:
			l.onDuty = l.readList(file, onDutyKey, node)
		default:
			l.readSection(file, section, node)
		}
	}
}

func (l *loader) readSection(file, section string, node ast.Node) {
	var fields []string
	for _, key := range l.config.keys() {
		if field, ok := strings.CutPrefix(key, section+"."); ok {
			fields = append(fields, field)
		}
	}
	for field, node := range l.mapping(file, node, section, fields) {
		l.scalar(file, section+"."+field, node)
	}
}

// readLines takes a list of numbers, each alone or as number, name and pace.
func (l *loader) readLines(file string, node ast.Node) {
	list, ok := l.sequence(file, linesKey, node)
	if !ok {
		return
	}
	for i, item := range list {
		key := fmt.Sprintf("%s[%d]", linesKey, i)
		l.lines = i + 1
		l.values[key+".number"] = value{origin: at(file, item, key+".number")}
		if _, ok := item.(ast.MapNode); !ok {
			l.scalar(file, key+".number", item)
			continue
		}
		for field, node := range l.mapping(file, item, key, lineKeys()) {
			l.scalar(file, key+"."+field, node)
		}
	}
}

func (l *loader) readList(file, key string, node ast.Node) int {
	list, _ := l.sequence(file, key, node)
	for i, item := range list {
		l.scalar(file, fmt.Sprintf("%s[%d]", key, i), item)
	}
	return len(list)
}

// mapping gives the fields of a section by name, after reporting what is
// unknown, written twice or no mapping at all.
func (l *loader) mapping(file string, node ast.Node, section string, known []string) map[string]ast.Node {
	fields := map[string]ast.Node{}
	pairs, ok := node.(ast.MapNode)
	if !ok {
		if _, empty := node.(*ast.NullNode); !empty {
			l.add(at(file, node, section), "must hold keys, each on its own line as key: value, but is %s", describe(node))
		}
		return fields
	}
	first := map[string]int{}
	for iter := pairs.MapRange(); iter.Next(); {
		name := iter.Key().GetToken().Value
		here := at(file, iter.Key(), joinKey(section, name))
		switch line, twice := first[name]; {
		case twice:
			l.add(here, "is written twice, first in line %d; keep one", line)
		case !slices.Contains(known, name):
			first[name] = here.line
			l.add(here, "is not a setting%s", l.suggest(section, name, known))
		default:
			first[name] = here.line
			fields[name] = iter.Value()
			l.sections[here.key] = here
		}
	}
	return fields
}

func (l *loader) sequence(file, key string, node ast.Node) ([]ast.Node, bool) {
	switch n := node.(type) {
	case *ast.SequenceNode:
		return n.Values, true
	case *ast.NullNode:
		return nil, true
	}
	l.add(at(file, node, key), "must be a list, each entry on its own line after a dash, but is %s", describe(node))
	return nil, false
}

// scalar keeps one value as it is written in the file, so that an unquoted
// +14155550134 keeps its plus and a token of digits its zeros.
func (l *loader) scalar(file, key string, node ast.Node) {
	here := at(file, node, key)
	switch n := node.(type) {
	case *ast.NullNode:
		l.values[key] = value{origin: here}
	case *ast.StringNode:
		l.values[key] = value{text: n.Value, origin: here}
	case *ast.LiteralNode:
		l.values[key] = value{text: strings.TrimRight(n.Value.Value, "\n"), origin: here}
	case *ast.IntegerNode, *ast.FloatNode:
		l.values[key] = value{text: n.GetToken().Value, origin: here}
	case *ast.BoolNode:
		if slices.ContainsFunc(l.config.settings(), func(s setting) bool { return s.key == key && s.switches }) {
			l.values[key] = value{text: n.GetToken().Value, origin: here}
			return
		}
		l.notOneValue(key, node, here)
	default:
		l.notOneValue(key, node, here)
	}
}

func (l *loader) notOneValue(key string, node ast.Node, here origin) {
	l.add(here, "must be one value, but is %s", describe(node))
	l.values[key] = value{origin: here, bad: true}
}

// suggest finds what an unknown key was meant to be: the same key in another
// section, or one spelled nearly so.
func (l *loader) suggest(section, name string, known []string) string {
	for _, key := range l.config.keys() {
		if in, field, _ := strings.Cut(key, "."); field == name && in != section {
			return "; it belongs under " + in + ":"
		}
	}
	return didYouMean(name, known)
}

func at(file string, node ast.Node, key string) origin {
	o := origin{file: file, line: 1, key: key}
	if token := node.GetToken(); token != nil && token.Position != nil {
		o.line = token.Position.Line
	}
	return o
}

func joinKey(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}

func describe(node ast.Node) string {
	switch node.(type) {
	case *ast.AliasNode, *ast.AnchorNode, *ast.TagNode:
		return "an anchor, an alias or a tag, which are not read here"
	case *ast.BoolNode:
		return "true or false; put it in quotes if it is a text"
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "a group of keys"
	case *ast.NullNode:
		return "empty"
	}
	return "a single value"
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// A figure is one line of the result: the product's number, the number it is
// measured against, and what their ratio should be.
type figure struct {
	Name    string  `json:"name"`
	Unit    string  `json:"unit"`
	Product float64 `json:"product"`
	// Beside is what the product is compared with, Against says what that is: the
	// bare program, or the product at another size. 0: there is nothing.
	Beside  float64 `json:"beside,omitempty"`
	Against string  `json:"against,omitempty"`
	Ratio   float64 `json:"ratio,omitempty"` // product to beside
	Spread  float64 `json:"spread"`          // (largest - smallest) / median of the product's rounds
	Goal    string  `json:"goal,omitempty"`
	Met     *bool   `json:"met,omitempty"` // nil where there is no goal
}

// A goal is a bound for a figure's ratio, or for its own number.
type goal struct {
	text  string
	least bool // the bound is a lower one
	bound float64
	own   bool // the bound is on the product's own number
}

func ratioAtLeast(r float64) goal {
	return goal{text: fmt.Sprintf("≥ %.2f×", r), least: true, bound: r}
}
func ratioAtMost(r float64) goal { return goal{text: fmt.Sprintf("≤ %.2f×", r), bound: r} }
func atMost(n float64, unit string) goal {
	return goal{text: fmt.Sprintf("≤ %g %s", n, unit), bound: n, own: true}
}

// add keeps a figure, with the medians of both sides' rounds.
func (b *bench) add(name, unit string, product, beside []float64, against string, g goal) {
	f := figure{Name: name, Unit: unit, Product: median(product), Beside: median(beside), Goal: g.text}
	if f.Product != 0 {
		f.Spread = (slices.Max(product) - slices.Min(product)) / f.Product
	}
	if f.Beside != 0 {
		f.Ratio, f.Against = f.Product/f.Beside, against
	}
	if g.text != "" {
		n := f.Ratio
		if g.own {
			n = f.Product
		}
		met := n <= g.bound
		if g.least {
			met = n >= g.bound
		}
		f.Met = &met
	}
	b.figures = append(b.figures, f)
	b.say("%s: %s", name, f.numbers())
}

func (f figure) numbers() string {
	if f.Against == "" {
		return amount(f.Product) + " " + f.Unit
	}
	return fmt.Sprintf("%s %s, %s %s, ratio %.2f", amount(f.Product), f.Unit, amount(f.Beside), f.Against, f.Ratio)
}

// print writes what was measured, also when the rest failed.
func (b *bench) print(out io.Writer) error {
	if b.json {
		enc := json.NewEncoder(out)
		for _, f := range b.figures {
			if err := enc.Encode(f); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "FIGURE\tPRODUCT\tBESIDE\t\tRATIO\tGOAL\t\tSPREAD")
	for _, f := range b.figures {
		beside, ratio, met := "", "", ""
		if f.Against != "" {
			beside, ratio = amount(f.Beside)+" "+f.Unit, fmt.Sprintf("%.2f", f.Ratio)
		}
		if f.Met != nil {
			if met = "missed"; *f.Met {
				met = "met"
			}
		}
		fmt.Fprintf(w, "%s\t%s %s\t%s\t%s\t%s\t%s\t%s\t%.0f %%\n", f.Name, amount(f.Product), f.Unit, beside, f.Against, ratio, f.Goal, met, f.Spread*100)
	}
	return w.Flush()
}

// amount prints three digits that mean something.
func amount(n float64) string {
	switch {
	case n >= 100:
		return fmt.Sprintf("%.0f", n)
	case n >= 10:
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.2f", n)
}

func median(ns []float64) float64 {
	if len(ns) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(ns))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// quantile gives the time in milliseconds that a share q of ds does not exceed.
func quantile(ds []time.Duration, q float64) float64 {
	if len(ds) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(ds))
	return inMillis(s[min(int(q*float64(len(s))), len(s)-1)])
}

func inMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

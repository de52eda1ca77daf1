package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// stepTimeout bounds each step. The longest waits for a simulation.
const stepTimeout = time.Minute

// A tour is what one visitor does, in a browser that knows nobody yet.
type tour struct {
	visitor string
	steps   []step
}

// A step does one thing in the visitor's browser.
type step func(ctx context.Context, v *visit) error

// A visit is a tour under way.
type visit struct {
	site  *site
	album *album
}

func (t tour) walk(browser context.Context, s *site, a *album) error {
	ctx, leave := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	defer leave()
	if err := chromedp.Do(ctx); err != nil {
		return err
	}
	// Far enough from some of the events that their pages tell both times.
	if _, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Lisbon"}); err != nil {
		return err
	}
	// A page that changes by itself is in no state for long.
	_, err := chromedp.Call(ctx, network.SetBlockedURLs, network.SetBlockedURLsParams{
		URLPatterns: []*network.BlockPattern{{URLPattern: "*://*:*/events/*/live", Block: true}},
	})
	if err != nil {
		return err
	}
	v := &visit{site: s, album: a}
	for i, do := range t.steps {
		if err := v.takeStep(ctx, do); err != nil {
			return fmt.Errorf("step %d of the %s: %w", i+1, t.visitor, err)
		}
	}
	return nil
}

func (v *visit) takeStep(ctx context.Context, do step) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	return do(ctx, v)
}

// open goes to an address, in which {Title} stands for the ID of an event.
func open(path string) step {
	return func(ctx context.Context, v *visit) error {
		path, err := v.site.resolve(path)
		if err != nil {
			return err
		}
		return chromedp.Do(ctx, chromedp.Navigate(v.site.url+path))
	}
}

// signIn comes in as somebody of the demo.
func signIn(email string) step {
	return steps(
		open("/login"),
		fill("#email", email),
		fill("#password", demoPassword),
		press("Sign in", ".signout"),
	)
}

func steps(list ...step) step {
	return func(ctx context.Context, v *visit) error {
		for _, do := range list {
			if err := do(ctx, v); err != nil {
				return err
			}
		}
		return nil
	}
}

// fill puts text into the field that the selector names.
func fill(selector, text string) step {
	script := fmt.Sprintf(`
		const field = document.querySelector(%q);
		if (field) field.value = %q;
		!!field`, "main "+selector, text)
	return func(ctx context.Context, _ *visit) error {
		found, err := chromedp.Run(ctx, chromedp.Evaluate[bool](inBlock(script)))
		if err == nil && !found {
			err = fmt.Errorf("there is no %s", selector)
		}
		return err
	}
}

// unfold opens the question behind a button that asks first.
func unfold(text string) step { return click("summary", text) }

// press clicks on the button or link with that text, and waits until the page
// has what the selector names.
func press(text, until string) step {
	return steps(click("main button, main a", text), await(until))
}

// click moves the mouse to the first of these elements whose text begins so,
// and clicks. A click made by a script would show what only the keyboard
// shows, such as rings around what has the focus.
func click(among, text string) step {
	script := fmt.Sprintf(`
		const found = [...document.querySelectorAll(%q)]
			.find((e) => e.checkVisibility() && e.textContent.replace(/\s+/g, " ").trim().startsWith(%q));
		if (found) found.scrollIntoView({ block: "center", behavior: "instant" });
		const box = found ? found.getBoundingClientRect() : { x: 0, y: 0, width: 0, height: 0 };
		[box.x + box.width / 2, box.y + box.height / 2]`, among, text)
	return func(ctx context.Context, _ *visit) error {
		at, err := chromedp.Run(ctx, chromedp.Evaluate[[2]float64](inBlock(script)))
		if err != nil {
			return err
		}
		if at == [2]float64{} {
			return fmt.Errorf("nothing here says %q", text)
		}
		return chromedp.Do(ctx, chromedp.MouseClickXY(at[0], at[1]))
	}
}

// inBlock keeps a script's constants to itself; the last expression is still
// the script's value.
func inBlock(script string) string { return "{" + script + "\n}" }

// await waits until the page is complete and has what the selector names.
func await(selector string) step {
	script := `document.readyState === "complete" && !!document.querySelector(` + strconv.Quote(selector) + `)`
	return func(ctx context.Context, _ *visit) error {
		for {
			// Between two pages there is nothing to ask.
			if there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script)); err == nil && there {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("wait for %s: %w", selector, context.Cause(ctx))
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

// meanwhile lets somebody else send a form.
func meanwhile(email, path string, fields ...string) step {
	return func(_ context.Context, v *visit) error {
		path, err := v.site.resolve(path)
		if err != nil {
			return err
		}
		return v.site.post(email, path, fields...)
	}
}

// shot photographs the page as it is.
func shot(name string) step {
	return func(ctx context.Context, v *visit) error { return v.album.add(ctx, name) }
}

package tour

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/chromedp/chromedp"
)

// stepTimeout bounds each step. The longest waits for a simulation, on a machine
// that may have other things to do.
const stepTimeout = 3 * time.Minute

// A step does one thing in the visitor's browser.
type step struct {
	// addresses are those of the pages to which it leads.
	addresses []string
	do        doing
}

type doing func(ctx context.Context, v *visit) error

func steps(list ...step) step {
	var all step
	for _, s := range list {
		all.addresses = append(all.addresses, s.addresses...)
	}
	all.do = func(ctx context.Context, v *visit) error {
		for _, s := range list {
			if err := s.do(ctx, v); err != nil {
				return err
			}
		}
		return nil
	}
	return all
}

// stop looks at the page as it is.
func stop(name string) step {
	return step{do: func(ctx context.Context, v *visit) error {
		at := Stop{Name: name}
		if document := v.document.Load(); document != nil {
			at.document = *document
		}
		return v.look(ctx, at)
	}}
}

// open goes to an address, in which {Title} stands for the ID of an event.
func open(address string) step {
	return step{addresses: []string{address}, do: func(ctx context.Context, v *visit) error {
		path, err := v.site.Resolve(address)
		if err != nil {
			return err
		}
		return chromedp.Do(ctx, chromedp.Navigate(v.site.URL+path))
	}}
}

// signIn comes in as somebody of the demo.
func signIn(email string) step {
	return steps(
		open("/login"),
		fill("#email", email),
		fill("#password", demoPassword),
		follow("Sign in", "/", ".signout"),
	)
}

// fill puts text into the field that the selector names.
func fill(selector, text string) step {
	return change(selector, fmt.Sprintf("field.value = %q", text))
}

// tick ticks all boxes that the selector names.
func tick(selector string) step { return change(selector, "field.checked = true") }

// change runs a script on each field that the selector names.
func change(selector, script string) step {
	script = fmt.Sprintf(`
		const fields = document.querySelectorAll(%q);
		for (const field of fields) %s;
		fields.length > 0`, "main "+selector, script)
	return step{do: func(ctx context.Context, _ *visit) error {
		found, err := chromedp.Run(ctx, chromedp.Evaluate[bool](inBlock(script)))
		if err == nil && !found {
			err = fmt.Errorf("there is no %s", selector)
		}
		return err
	}}
}

// unfold opens the question behind a button that asks first.
func unfold(text string) step { return click("summary", text) }

// press clicks on the button or link with that text, and waits until the page
// has what the selector names.
func press(text, until string) step {
	return steps(click("main button, main a", text), await(until))
}

// follow presses what leads to a page at that address, in which {…} stands for
// any ID, and waits until that page has what the selector names.
func follow(text, address, until string) step {
	path := strconv.Quote("^" + placeholder.ReplaceAllString(address, "[^/]+") + "$")
	return step{addresses: []string{address}, do: steps(
		click("main button, main a", text),
		awaitThat(address, "new RegExp("+path+").test(location.pathname)"),
		await(until),
	).do}
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
	return step{do: func(ctx context.Context, _ *visit) error {
		at, err := chromedp.Run(ctx, chromedp.Evaluate[[2]float64](inBlock(script)))
		if err != nil {
			return err
		}
		if at == [2]float64{} {
			return fmt.Errorf("nothing here says %q", text)
		}
		return chromedp.Do(ctx, chromedp.MouseClickXY(at[0], at[1]))
	}}
}

// inBlock keeps a script's constants to itself; the last expression is still
// the script's value.
func inBlock(script string) string { return "{" + script + "\n}" }

// await waits until the page is complete and has what the selector names.
func await(selector string) step {
	return awaitThat(selector, "!!document.querySelector("+strconv.Quote(selector)+")")
}

// awaitThat waits until the page is complete and the condition holds.
func awaitThat(what, condition string) step {
	script := `document.readyState === "complete" && ` + condition
	return step{do: func(ctx context.Context, _ *visit) error {
		for {
			// Between two pages there is nothing to ask.
			if there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script)); err == nil && there {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
			case <-time.After(20 * time.Millisecond):
			}
		}
	}}
}

// meanwhile lets somebody else send a form.
func meanwhile(email, path string, fields ...string) step {
	return step{do: func(_ context.Context, v *visit) error {
		path, err := v.site.Resolve(path)
		if err != nil {
			return err
		}
		return v.site.post(email, path, fields...)
	}}
}

package tour

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// OpenBrowser starts a browser without a window, which talks to nobody else.
func OpenBrowser(ctx context.Context) (context.Context, context.CancelFunc, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-pings", true),
	)
	ctx, closeAllocator := chromedp.NewExecAllocator(ctx, options...)
	ctx, closeBrowser := chromedp.NewContext(ctx)
	closeAll := func() {
		closeBrowser()
		closeAllocator()
	}
	if err := chromedp.Do(ctx); err != nil {
		closeAll()
		return nil, nil, fmt.Errorf("start a browser (install chromium, or google-chrome): %w", err)
	}
	return ctx, closeAll, nil
}

// A Light is a way to look at a page: how wide, and by day or by night.
type Light struct {
	// Width is that of a phone or of a desk, in CSS pixels.
	Width int64
	// Scheme is the colour scheme: light or dark.
	Scheme string

	height int64
}

// Lights are the ways to look at a page.
var Lights = []Light{
	{390, "light", 844}, {390, "dark", 844},
	{1280, "light", 900}, {1280, "dark", 900},
}

func (l Light) String() string { return fmt.Sprintf("%d-%s", l.Width, l.Scheme) }

// Put shows the tab's page in this light, when all its letters are there. It
// asks for no motion: what is seen of a transition is of neither state.
func (l Light) Put(tab context.Context) error {
	return chromedp.Do(tab, chromedp.EmulateViewport(l.Width, l.height), prefer(l.Scheme), settle)
}

func prefer(scheme string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"},
			},
		})
		return chromedp.Void{}, err
	}
}

// settle waits until the fonts are there and two frames were painted.
func settle(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return chromedp.Evaluate[chromedp.Void](`
		document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))))`,
		chromedp.EvalAwaitPromise)(ctx, t)
}

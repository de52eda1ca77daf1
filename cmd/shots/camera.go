package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// openBrowser starts a browser without a window, which talks to nobody else.
func openBrowser(ctx context.Context) (context.Context, context.CancelFunc, error) {
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

// An album keeps the pictures.
type album struct {
	folder, only string
	taken        int
}

// widths are those of a phone and of a desk; heights are of the first screen,
// the pictures show the whole page.
var widths = []struct{ width, height int64 }{{390, 844}, {1280, 900}}

// add photographs the page that ctx shows, four times.
func (a *album) add(ctx context.Context, name string) error {
	if !strings.Contains(name, a.only) {
		return nil
	}
	for _, w := range widths {
		for _, scheme := range []string{"light", "dark"} {
			picture, err := photograph(ctx, w.width, w.height, scheme)
			if err != nil {
				return fmt.Errorf("photograph %s: %w", name, err)
			}
			file := filepath.Join(a.folder, fmt.Sprintf("%s-%d-%s.png", name, w.width, scheme))
			if err := os.WriteFile(file, picture, 0o644); err != nil {
				return err
			}
			a.taken++
		}
	}
	return nil
}

func photograph(ctx context.Context, width, height int64, scheme string) ([]byte, error) {
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height), prefer(scheme), settle); err != nil {
		return nil, err
	}
	return chromedp.Run(ctx, chromedp.FullScreenshot(100))
}

// prefer sets the colour scheme, and asks for no motion: a picture of a
// transition is of neither state.
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

// A small JSON API on Gin; the routes are described in ../README.md.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/sys/unix"
)

const (
	maxMillis = 10_000
	maxCount  = 9999
)

var (
	processID = newProcessID()
	requests  atomic.Uint64
	tags      = [...]string{"new", "sale", "eco", "bulk", "local", "gift", "spare"}
)

type greeting struct {
	Message   string `json:"message"`
	Framework string `json:"framework"`
	Version   string `json:"version"`
}

type item struct {
	ID      int64     `json:"id"`
	Name    string    `json:"name"`
	Price   string    `json:"price"`
	Created time.Time `json:"created"`
	Tags    []string  `json:"tags"`
	Stock   stock     `json:"stock"`
}

type stock struct {
	Warehouse string `json:"warehouse"`
	Quantity  int64  `json:"quantity"`
}

type listing struct {
	ID    int64  `json:"id"`
	Count int64  `json:"count"`
	Items []item `json:"items"`
}

type order struct {
	Name     string   `json:"name" binding:"required,min=1,max=100"`
	Quantity int      `json:"quantity" binding:"required,min=1,max=1000"`
	Tags     []string `json:"tags" binding:"max=10"`
}

func newProcessID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func newItem(id, k int64) item {
	cents := (id*37+k*1009)%100_000 + 100
	created := 1_767_225_600 + (id*7919+k*3600)%31_536_000
	return item{
		ID:      id*1000 + k,
		Name:    fmt.Sprintf("item %d-%d", id, k),
		Price:   strconv.FormatFloat(float64(cents)/100, 'f', 2, 64),
		Created: time.Unix(created, 0).UTC(),
		Tags:    []string{tags[(id+k)%7], tags[(id+k+1+k%5)%7]},
		Stock: stock{
			Warehouse: "w" + strconv.FormatInt((id+k)%9+1, 10),
			Quantity:  (id*13 + k*7) % 500,
		},
	}
}

func process(c *gin.Context) {
	c.Header("x-process-id", processID)
	c.Header("x-request-count", strconv.FormatUint(requests.Add(1), 10))
}

func notFound(c *gin.Context) {
	c.JSON(http.StatusNotFound, gin.H{"error": "not found"})
}

func health(c *gin.Context) {
	c.JSON(http.StatusOK, gin.H{"status": "ok"})
}

func hello(c *gin.Context) {
	c.JSON(http.StatusOK, greeting{
		Message:   "hello",
		Framework: "gin",
		Version:   strings.TrimPrefix(gin.Version, "v"),
	})
}

// decimal reads an unsigned decimal number of at most digits digits.
func decimal(text string, digits int) (int64, bool) {
	if text == "" || len(text) > digits || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// count answers 400 and returns false unless text is a number from 1 to maxCount.
func count(c *gin.Context, text string) (int64, bool) {
	n, ok := decimal(text, 4)
	if !ok || text[0] == '0' {
		c.JSON(http.StatusBadRequest, gin.H{"error": "bad count"})
		return 0, false
	}
	return n, true
}

func items(c *gin.Context) {
	text := c.Param("id")
	id, ok := decimal(text, 7)
	if !ok || text[0] == '0' || id > 1_000_000 {
		notFound(c)
		return
	}
	n, ok := count(c, c.DefaultQuery("count", "20"))
	if !ok {
		return
	}
	list := listing{ID: id, Count: n, Items: make([]item, n)}
	for i := range list.Items {
		list.Items[i] = newItem(id, int64(i+1))
	}
	c.JSON(http.StatusOK, list)
}

func echo(c *gin.Context) {
	var body order
	if err := c.ShouldBindJSON(&body); err != nil {
		c.JSON(http.StatusUnprocessableEntity, gin.H{"error": "invalid body", "details": err.Error()})
		return
	}
	if body.Tags == nil {
		body.Tags = []string{}
	}
	c.JSON(http.StatusOK, body)
}

func validate(c *gin.Context) {
	var orders []order
	if err := c.ShouldBindJSON(&orders); err != nil {
		c.JSON(http.StatusUnprocessableEntity, gin.H{"error": "invalid body", "details": err.Error()})
		return
	}
	if len(orders) == 0 || len(orders) > maxCount {
		c.JSON(http.StatusUnprocessableEntity, gin.H{"error": "invalid body", "details": "from 1 to 9999 orders"})
		return
	}
	c.JSON(http.StatusOK, newTotals(orders))
}

func template(c *gin.Context) {
	if n, ok := count(c, c.Query("count")); ok {
		c.Data(http.StatusOK, "text/html; charset=utf-8", []byte(newPage(n)))
	}
}

func compute(c *gin.Context) {
	if n, ok := count(c, c.Query("count")); ok {
		c.JSON(http.StatusOK, newSummary(n))
	}
}

// milliseconds answers 400 and returns false unless ?ms= is acceptable.
func milliseconds(c *gin.Context) (int64, bool) {
	text := c.Query("ms")
	ms, ok := decimal(text, 5)
	if !ok || ms > maxMillis || (len(text) == 5 && ms != maxMillis) {
		c.JSON(http.StatusBadRequest, gin.H{"error": "bad ms"})
		return 0, false
	}
	return ms, true
}

func threadCPU() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}

func cpu(c *gin.Context) {
	ms, ok := milliseconds(c)
	if !ok {
		return
	}
	// The clock is the thread's, so the goroutine must not move.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	x := uint64(1)
	for end := threadCPU() + time.Duration(ms)*time.Millisecond; threadCPU() < end; {
		for range 2000 {
			x = x * 48271 % 2147483647
		}
	}
	runtime.KeepAlive(x)
	c.JSON(http.StatusOK, gin.H{"cpu_ms": ms})
}

func wait(c *gin.Context) {
	ms, ok := milliseconds(c)
	if !ok {
		return
	}
	time.Sleep(time.Duration(ms) * time.Millisecond)
	c.JSON(http.StatusOK, gin.H{"io_ms": ms})
}

func main() {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Use(process, gin.Recovery())
	router.NoRoute(notFound)
	router.GET("/healthz", health)
	router.GET("/json", hello)
	router.GET("/items/:id", items)
	router.POST("/echo", echo)
	router.POST("/validate", validate)
	router.GET("/template", template)
	router.GET("/compute", compute)
	router.GET("/cpu", cpu)
	router.GET("/io", wait)

	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	server := &http.Server{
		Addr:              "0.0.0.0:" + port,
		Handler:           router,
		ReadHeaderTimeout: 10 * time.Second,
	}

	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-stop.Done()
		limit, cancel := context.WithTimeout(context.Background(), 8*time.Second)
		defer cancel()
		if err := server.Shutdown(limit); err != nil {
			log.Print(err)
		}
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	<-done
}

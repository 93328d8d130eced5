/* payload - see payload.h. The texts are made once; sending writes only the marker. */
#include <string.h>

#include "buf.h"
#include "payload.h"

/* LG~kind~pair~side~seq~sent~, numbers in hexadecimal */
#define MARK "LG~O~00000000~0~00000000~0000000000000000~"
#define MARK_LEN (sizeof MARK - 1)
enum { AT_KIND = 3, AT_PAIR = 5, AT_SIDE = 14, AT_SEQ = 16, AT_SENT = 25 };

static struct kind {
	const char *name, *sdp_type;
	struct buf text;
} kinds[PAYLOAD__MAX] = {
	[PAYLOAD_OFFER] = { "OFFER", "offer", { 0 } },
	[PAYLOAD_ANSWER] = { "ANSWER", "answer", { 0 } },
	[PAYLOAD_CANDIDATE] = { "CANDIDATE", NULL, { 0 } },
};

static const char candidate_text[] =
	"{\"candidate\":{\"candidate\":\"candidate:842163049 1 udp 1677729535 203.0.113.57 46154 "
	"typ srflx raddr 0.0.0.0 rport 0 ufrag Qx7z\",\"sdpMid\":\"0\",\"sdpMLineIndex\":0}";

static const char sdp_head[] =
	"{\"type\":\"media\",\"connectionId\":\"mc_k2j4h5g6f7d\",\"sdp\":{\"type\":\"%s\","
	"\"sdp\":\"v=0\\r\\no=- 4611731400430051336 2 IN IP4 127.0.0.1\\r\\ns=-\\r\\nt=0 0\\r\\n"
	"a=group:BUNDLE 0 1\\r\\na=extmap-allow-mixed\\r\\na=msid-semantic: WMS\\r\\n"
	"m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\\r\\nc=IN IP4 0.0.0.0\\r\\n"
	"a=rtcp:9 IN IP4 0.0.0.0\\r\\na=ice-ufrag:Qx7z\\r\\n"
	"a=ice-pwd:vN5H1m3Lr0b4Zr8Q6mTgX2eK\\r\\na=ice-options:trickle\\r\\n"
	"a=fingerprint:sha-256 6B:8B:5D:EA:59:04:20:23:29:C8:87:1C:CC:87:32:BE:DD:8C:66:A5:8E:50:"
	"55:EA:8C:D3:B6:5C:09:5E:D6:BC\\r\\na=setup:actpass\\r\\na=mid:0\\r\\n"
	"a=sendrecv\\r\\na=rtcp-mux\\r\\n";

/* Fills up to `size` with a byte, leaving room for what follows. */
static void
pad(struct buf *text, char byte, size_t size, size_t follows)
{
	if (text->len + follows < size)
		buf_fill(text, byte, size - text->len - follows);
}

static void
write_candidate(struct buf *text, size_t size)
{
	buf_addf(text, "%s", candidate_text);
	if (text->len + MARK_LEN + 9 >= size)
		return;
	buf_addf(text, ",\"x\":\"");
	pad(text, 'x', size, MARK_LEN + 10);
	buf_addf(text, "\"");
}

static void
write_sdp(struct buf *text, const char *type, size_t size)
{
	buf_addf(text, sdp_head, type);
	for (int codec = 96; text->len + 130 + MARK_LEN < size; codec++)
		buf_addf(text, "a=rtpmap:%d opus/48000/2\\r\\n"
		    "a=fmtp:%d minptime=10;useinbandfec=1\\r\\n", codec, codec);
	pad(text, 'z', size, MARK_LEN + 12);
	buf_addf(text, "\"}");
}

static void
write_text(struct kind *kind, size_t size)
{
	if (kind->sdp_type)
		write_sdp(&kind->text, kind->sdp_type, size);
	else
		write_candidate(&kind->text, size);
	buf_addf(&kind->text, ",\"lg\":\"" MARK "\"}");
}

void
payload_init(size_t offer_size, size_t candidate_size)
{
	write_text(&kinds[PAYLOAD_OFFER], offer_size);
	write_text(&kinds[PAYLOAD_ANSWER], offer_size * 9 / 10);
	write_text(&kinds[PAYLOAD_CANDIDATE], candidate_size);
}

size_t
payload_size(enum payload_kind kind)
{
	return kinds[kind].text.len;
}

const char *
payload_name(enum payload_kind kind)
{
	return kinds[kind].name;
}

static void
put_hex(char *at, uint64_t value, int width)
{
	while (width--) {
		at[width] = "0123456789abcdef"[value & 15];
		value >>= 4;
	}
}

static uint64_t
get_hex(const char *at, int width)
{
	uint64_t value = 0;

	for (; width--; at++)
		value = value << 4 | (uint64_t)(*at <= '9' ? *at - '0' : (*at | 32) - 'a' + 10);
	return value;
}

const char *
payload_stamp(const struct payload_mark *mark)
{
	struct buf *text = &kinds[mark->kind].text;
	char *at = text->data + text->len - MARK_LEN - 2;

	at[AT_KIND] = kinds[mark->kind].name[0];
	put_hex(at + AT_PAIR, mark->pair, 8);
	at[AT_SIDE] = (char)('0' + mark->side);
	put_hex(at + AT_SEQ, mark->seq, 8);
	put_hex(at + AT_SENT, mark->sent_ns, 16);
	return text->data;
}

static enum payload_kind
kind_of(char letter)
{
	for (enum payload_kind kind = 0; kind < PAYLOAD__MAX; kind++)
		if (kinds[kind].name[0] == letter)
			return kind;
	return PAYLOAD_CANDIDATE;
}

const char *
payload_find(const char *bytes, const char *end, struct payload_mark *mark)
{
	const char *at = memmem(bytes, (size_t)(end - bytes), "LG~", 3);

	if (at == NULL || (size_t)(end - at) < MARK_LEN)
		return NULL;
	mark->kind = kind_of(at[AT_KIND]);
	mark->pair = (uint32_t)get_hex(at + AT_PAIR, 8);
	mark->side = at[AT_SIDE] - '0';
	mark->seq = (uint32_t)get_hex(at + AT_SEQ, 8);
	mark->sent_ns = get_hex(at + AT_SENT, 16);
	return at + MARK_LEN;
}

/* Cache files: any bytes in the place of an entry of the disk cache. A first byte that is odd gives
 * them a right tag, for what lies behind it: an entry that was made with the folder's key, but not
 * by us. SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "engine/code_disk_private.h"
#include "fuzz.h"

#define BYTES_MAX ((size_t)64 * 1024)

static bp__code_disk *disk;
static char folder[] = "/tmp/bullpen-fuzz-XXXXXX";
/* As in make-seeds. */
static const bp__code_key wanted = {"the module's sum", "the engine's sum"};
static const uint8_t mac_key[BP__GMAC_KEY_SIZE] = "a key that every input knows";

static void check_record(void *data, const bp_log_record *record)
{
    (void)data;
    fuzz_check_line(record->text.data, record->text.size);
}

static void write_file(const char *name, bp_bytes first, bp_bytes rest)
{
    int at = open(folder, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_CHECK(fd >= 0 && bp__write_all(fd, first) == 0 && bp__write_all(fd, rest) == 0);
    close(fd);
    close(at);
}

static void end(void)
{
    uint64_t entries, bytes;
    FUZZ_CHECK(bp__code_disk_clear(disk, &entries, &bytes, NULL) == BP_OK);
    FUZZ_CHECK(unlinkat(disk->folder.fd, "key", 0) == 0);
    bp__code_disk_free(disk);
    FUZZ_CHECK(rmdir(folder) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    bp__logger logger = {check_record, NULL, BP_LOG_TRACE};
    FUZZ_CHECK(mkdtemp(folder));
    write_file("key", (bp_bytes){mac_key, sizeof mac_key}, (bp_bytes){0});
    FUZZ_CHECK(bp__code_disk_new(folder, UINT64_C(1) << 30, &logger, &disk, NULL) == BP_OK);
    FUZZ_CHECK(!bp__code_disk_problem(disk));
    FUZZ_CHECK(atexit(end) == 0);
    return 0;
}

static bool is_zero(const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((const uint8_t *)bytes)[i])
            return false;
    return true;
}

/* What an entry is, said once more and from its end: only this may be given to the engine. Of the
 * engine's sum, so many bytes are looked at. */
static bool is_ours(const bp__code_header *header, bp_bytes payload, size_t settings_size)
{
    uint8_t tag[BP__GMAC_TAG_SIZE];
    bp_bytes covered = {header, offsetof(bp__code_header, tag)};
    FUZZ_CHECK(bp__gmac(mac_key, header->nonce, covered, payload, tag, NULL) == BP_OK);
    return memcmp(tag, header->tag, sizeof tag) == 0 && is_zero(header->padding, 4) &&
           memchr(header->engine, 0, BP__CODE_ENGINE_SIZE) && header->zero == 0 &&
           header->payload_size == payload.size &&
           memcmp(header->key.settings, wanted.settings, settings_size) == 0 &&
           memcmp(header->key.wasm, wanted.wasm, BP__SHA256_SIZE) == 0 &&
           header->kind == BP__CODE_NATIVE && header->version == 1 &&
           memcmp(header->magic, "BPCODE\r\n", 8) == 0;
}

static bool count_good(void *data, const bp__code_info *info)
{
    fuzz_check_line(info->file, strlen(info->file));
    FUZZ_CHECK(strnlen(info->engine, BP__CODE_ENGINE_SIZE) < BP__CODE_ENGINE_SIZE);
    FUZZ_CHECK(info->removed == (info->problem != NULL));
    *(unsigned *)data += !info->problem;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_stream from = {data, size};
    bool sign = fuzz_byte(&from) & 1;
    bp__code_header header = {0};
    bp_bytes start = fuzz_run(&from, sizeof header), payload = fuzz_run(&from, BYTES_MAX);
    if (start.size)
        memcpy(&header, start.data, start.size);
    if (sign && start.size == sizeof header)
        FUZZ_CHECK(bp__gmac(mac_key, header.nonce,
                            (bp_bytes){&header, offsetof(bp__code_header, tag)}, payload,
                            header.tag, NULL) == BP_OK);
    char name[BP__CODE_NAME_SIZE];
    bp__code_name(&wanted, name);
    write_file(name, (bp_bytes){&header, start.size}, payload);

    bool whole = start.size == sizeof header;
    bool ours = whole && is_ours(&header, payload, BP__SHA256_SIZE);
    uint8_t *code = NULL;
    size_t code_size = 0;
    uint64_t bad = 0;
    FUZZ_CHECK(bp__code_disk_get(disk, &wanted, &code, &code_size, &bad) == ours && bad == !ours);
    FUZZ_CHECK(!ours || (code_size == payload.size &&
                         (!code_size || memcmp(code, payload.data, code_size) == 0)));
    bp__free(code);
    FUZZ_CHECK((faccessat(disk->folder.fd, name, F_OK, 0) == 0) == ours);

    /* The same once more, as `bullpen cache verify` sees it, who only has the name to go by. */
    write_file(name, (bp_bytes){&header, start.size}, payload);
    unsigned good = 0;
    FUZZ_CHECK(bp__code_disk_visit(disk, wanted.settings, true, count_good, &good, NULL) == BP_OK);
    FUZZ_CHECK(good == (whole && is_ours(&header, payload, BP__CODE_SETTINGS_DIGITS / 2)));
    return 0;
}

/* A guest for UEFI, as small as the boot sector of tools/os/demo-linux and with the same ticks.
 *
 * It is \EFI\BOOT\BOOTX64.EFI of a FAT disk. On COM1 it says once
 *      GUEST-UP efi SECURE s         (s: the variable SecureBoot, 0 or 1)
 * and then, nine times a second, in decimal,
 *      BOOT bbbbbbbb TICK tttttttt TPM rrrrrrrr
 * b: its variable GanetiBoots, which it counts up in the NVRAM at every boot;
 * r: the reset count that a TPM 2.0 (CRB at 0xfed40000) keeps, asked anew at every tick;
 *    99999999 when there is no TPM.
 *
 * Build:  as --64 efiguest.S -o efiguest.o && objcopy -O binary -j .text efiguest.o efiguest.efi
 */
        .text
        .set    tpm, 0xfed40000
image:  .ascii  "MZ"
        .org    0x3c
        .long   pe - image
pe:     .ascii  "PE\0\0"
        .short  0x8664, 1               # x86-64, one section
        .long   0, 0, 0
        .short  sections - optional, 0x222E
optional:
        .short  0x20b
        .byte   0, 0
        .long   end - start, 0, 0
        .long   0x1000, 0x1000          # entry, base of code
        .quad   0                       # image base
        .long   0x1000, 0x200           # alignment of sections, of the file
        .short  0, 0, 0, 0, 0, 0
        .long   0, 0x2000, 0x200, 0     # size of image, of headers
        .short  10, 0                   # EFI application
        .quad   0x10000, 0x10000, 0x10000, 0
        .long   0, 6
        .quad   0, 0, 0, 0, 0, 0
sections:
        .ascii  ".text\0\0\0"
        .long   end - start, 0x1000, end - start, 0x200, 0, 0, 0, 0xE0000020
        .org    0x200

start:  subq    $72, %rsp
        movq    88(%rdx), %r12          # runtime services
        movq    96(%rdx), %r13          # boot services
        xorl    %ecx, %ecx              # no watchdog
        xorl    %edx, %edx
        xorl    %r8d, %r8d
        xorl    %r9d, %r9d
        call    *256(%r13)

        leaq    secure_name(%rip), %rcx
        leaq    global_guid(%rip), %rdx
        leaq    secure(%rip), %r9
        movq    $1, size(%rip)
        call    get
        leaq    boots_name(%rip), %rcx
        leaq    own_guid(%rip), %rdx
        leaq    boots(%rip), %r9
        movq    $4, size(%rip)
        call    get
        incl    boots(%rip)
        leaq    boots(%rip), %rax
        movq    %rax, 32(%rsp)
        leaq    boots_name(%rip), %rcx
        leaq    own_guid(%rip), %rdx
        movl    $7, %r8d                # non-volatile, of boot and runtime services
        movl    $4, %r9d
        call    *88(%r12)

        leaq    up(%rip), %rsi
        call    print
        movzbl  secure(%rip), %eax
        addb    $'0', %al
        call    putc
        leaq    newline(%rip), %rsi
        call    print
        leaq    startup(%rip), %rsi
        movl    $12, %ecx
        call    ask

tick:   leaq    boot_word(%rip), %rsi
        call    print
        movl    boots(%rip), %eax
        call    number
        leaq    tick_word(%rip), %rsi
        call    print
        incl    ticks(%rip)
        movl    ticks(%rip), %eax
        call    number
        leaq    tpm_word(%rip), %rsi
        call    print
        movl    $99999999, %eax
        movl    $tpm, %ebx
        movl    0x30(%rbx), %ecx        # interface: 1 is CRB
        andl    $15, %ecx
        cmpl    $1, %ecx
        jne     1f
        leaq    readclock(%rip), %rsi
        movl    $10, %ecx
        call    ask
        movl    0x9a(%rbx), %eax        # header 10, time 8, clock 8
        bswapl  %eax
1:      call    number
        leaq    newline(%rip), %rsi
        call    print
        movl    $110000, %ecx
        call    *248(%r13)              # stall, microseconds
        jmp     tick

get:    subq    $56, %rsp
        movq    %r9, 32(%rsp)
        leaq    size(%rip), %r9
        xorl    %r8d, %r8d
        call    *72(%r12)
        addq    $56, %rsp
        ret

ask:    movl    $tpm, %ebx              # ecx bytes at rsi for the TPM
        movl    0x30(%rbx), %eax
        andl    $15, %eax
        cmpl    $1, %eax
        jne     2f
        movl    $1, 0x08(%rbx)          # this locality
        movl    $1, 0x40(%rbx)          # get ready
1:      testl   $1, 0x40(%rbx)
        jnz     1b
        leaq    0x80(%rbx), %rdi
        cld
        rep     movsb
        movl    $1, 0x4c(%rbx)          # start
1:      testl   $1, 0x4c(%rbx)
        jnz     1b
2:      ret

number: movl    $10, %ecx               # eax as eight digits
        leaq    digits + 8(%rip), %rdi
        movl    $8, %r8d
1:      xorl    %edx, %edx
        divl    %ecx
        addb    $'0', %dl
        decq    %rdi
        movb    %dl, (%rdi)
        decl    %r8d
        jnz     1b
        movq    %rdi, %rsi
print:  movb    (%rsi), %al
        testb   %al, %al
        jz      2f
        call    putc
        incq    %rsi
        jmp     print
2:      ret
putc:   movb    %al, %r8b
        movw    $0x3fd, %dx
1:      inb     %dx, %al
        testb   $0x20, %al
        jz      1b
        movb    %r8b, %al
        movw    $0x3f8, %dx
        outb    %al, %dx
        ret

        .balign 8
size:   .quad   0
boots:  .long   0
ticks:  .long   0
secure: .long   0
global_guid:
        .long   0x8be4df61
        .short  0x93ca, 0x11d2
        .byte   0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c
own_guid:
        .long   0x6a1e9c2e
        .short  0x3d41, 0x4b0c
        .byte   0x8c, 0x55, 0x67, 0x61, 0x6e, 0x65, 0x74, 0x69
secure_name:
        .short  'S', 'e', 'c', 'u', 'r', 'e', 'B', 'o', 'o', 't', 0
boots_name:
        .short  'G', 'a', 'n', 'e', 't', 'i', 'B', 'o', 'o', 't', 's', 0
startup:
        .byte   0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x44, 0, 0
readclock:
        .byte   0x80, 1, 0, 0, 0, 10, 0, 0, 1, 0x81
up:     .asciz  "\r\nGUEST-UP efi SECURE "
boot_word:
        .asciz  "BOOT "
tick_word:
        .asciz  " TICK "
tpm_word:
        .asciz  " TPM "
newline:
        .asciz  "\r\n"
digits: .ascii  "00000000\0"
        .org    0x800
end:

/*
 * product.h - the states of a product, as ProductState, ProductView and their readers number them.
 *
 *     DRAFT --ProductPublished--> PUBLISHED --ProductDiscontinued--> DISCONTINUED
 *
 * A draft may be discontinued too; nothing comes back from there. The numbers are stored.
 */
#ifndef PROCESSORS_PRODUCT_H
#define PROCESSORS_PRODUCT_H

enum shop_product_status {
    SHOP_PRODUCT_STATUS_DRAFT = 0,
    SHOP_PRODUCT_STATUS_PUBLISHED = 1,
    SHOP_PRODUCT_STATUS_DISCONTINUED = 2,
};

#endif
